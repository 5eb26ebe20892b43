import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Load {
  /** Good answers so far. */
  readonly count: number
  /** Whatever else happened to a request, by kind: a status, or an error's code and what its connection was. */
  readonly failures: ReadonlyMap<string, number>
  end(): Promise<void>
}

const ITEMS = 100

export interface LoadOptions {
  readonly clients: number
  /** Between an answer and the next request of a client. */
  readonly pauseMs: number
  /** Whether connections stay, as they do by default; otherwise each request has one of its own. */
  readonly keepAlive?: boolean
}

/**
 * GETs of the first seeded item and PUTs in turn; nothing is sent a second time. It needs nothing but Node, for it runs
 * in a container too.
 */
export function startLoad(url: string, { clients, pauseMs, keepAlive = true }: LoadOptions): Load {
  const agent = new Agent({ keepAlive, maxSockets: clients })
  const body = JSON.stringify('v'.repeat(20))
  const failures = new Map<string, number>()
  let count = 0
  let goesOn = true

  async function client(first: number): Promise<void> {
    for (let n = first; goesOn; n++) {
      const path = `/data/load-${n % ITEMS}`
      const outcome = await (n % 2 === 0
        ? ask(agent, url + path, 'PUT', body)
        : ask(agent, `${url}/data/1`, 'GET'))
      if (outcome === '200' || outcome === '201') count++
      else failures.set(outcome, (failures.get(outcome) ?? 0) + 1)
      if (pauseMs > 0) await delay(pauseMs)
    }
  }

  const all = Promise.all(Array.from({ length: clients }, (_, n) => client(n)))
  return {
    get count() {
      return count
    },
    failures,
    async end() {
      goesOn = false
      await all
      agent.destroy()
    },
  }
}

/** Resolves to the status of an answer that was read to its end, or to what came instead of one. */
function ask(agent: Agent, url: string, method: string, body = ''): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const headers =
    method === 'PUT' ? { 'content-type': 'application/json', 'content-length': body.length } : {}
  const asked = request(url, { agent, method, headers, timeout: 20_000 }, (answer) => {
    answer.resume()
    answer.on('end', () => resolve(String(answer.statusCode)))
    answer.on('error', () => resolve('cut'))
  })
  asked.on('timeout', () => asked.destroy(new Error('timeout')))
  asked.on('error', ({ code, message, syscall = '' }: NodeJS.ErrnoException) => {
    const isConnected = !['connect', 'getaddrinfo'].includes(syscall)
    const connection = asked.reusedSocket ? 'a connection that had answered' : 'a new connection'
    resolve(`${code ?? message}${isConnected ? `, on ${connection}` : ''}`)
  })
  asked.end(body)
  return promise
}
