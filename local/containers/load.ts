import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
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
  /** Of the values that are written. */
  readonly valueBytes?: number
}

/**
 * GETs of the first seeded item and PUTs in turn, on connections that stay; nothing is sent a second time. It needs
 * nothing but Node, and so no other load of this repository, for it runs in a container too.
 */
export function startLoad(url: string, { clients, pauseMs, valueBytes = 20 }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const body = JSON.stringify('v'.repeat(valueBytes))
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

/**
 * The same, from a container of `image` in a network: nothing is between it and the service. What became of it is known
 * when it has ended. The program is sent as text, so that it needs no file of this machine.
 */
export function startLoadInside(image: string, network: string, url: string, options: LoadOptions): Load {
  const program = `${readFileSync(import.meta.filename, 'utf8')}
    const load = startLoad('${url}', ${JSON.stringify(options)})
    process.stdin.resume().on('end', async () => {
      await load.end()
      process.stdout.write(JSON.stringify([load.count, ...load.failures]))
    })`
  const node = ['/usr/local/bin/node', image, '--input-type=module-typescript', '--eval', program]
  const docker = spawn(
    'docker',
    ['run', '--rm', '--interactive', '--network', network, '--entrypoint', ...node],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  let text = ''
  docker.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const ended = once(docker, 'close')
  let [count, ...failures]: [number, ...[string, number][]] = [0]
  return {
    get count() {
      return count
    },
    get failures() {
      return new Map(failures)
    },
    async end() {
      docker.stdin.end()
      await ended
      ;[count, ...failures] = JSON.parse(text)
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
