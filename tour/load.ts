import { everyArrival } from '../bench/arrivals.ts'
import { connectionPool } from '../bench/connection-pool.ts'
import { type Request, requestText } from '../bench/raw-http.ts'
import { waitUntil } from '../local/wait.ts'
import type { Outcome, Recording } from './recording.ts'

/** More than are busy, as a rule: it is the service that has to keep requests waiting. */
const CONNECTIONS = 400
/** How an answer says that the cache did not have it: there was nothing, or nothing that is sure to be new enough. */
const FROM_STORE = 'cache-status: redis; fwd=miss'
const FILL_MS_MAX = 10_000
const ANSWERS_MS_MAX = 10_000

export interface LoadOptions {
  readonly port: number
  readonly perSecond: number
  /** Sent in turn, over and over. */
  readonly requests: readonly Request[]
}

export interface Load extends AsyncDisposable {
  /** Requests that were due so far. */
  readonly sent: number
  /** No more requests; resolves when those under way have their answers. */
  end(): Promise<void>
}

/**
 * An open loop: requests at a fixed rate, whether or not the answers keep up, each recorded from the time at which it
 * was due. One that finds every connection busy waits for one, as its client would. It is made of what the bench's open
 * loop is made of, but in this process: what is recorded has to be known while the act goes on, and a few
 * hundred requests a second need no processor of their own.
 */
export async function startLoad(
  recording: Recording,
  { port, perSecond, requests }: LoadOptions,
): Promise<Load> {
  const origin = new URL(`http://127.0.0.1:${port}`)
  const texts = requests.map((request) => Buffer.from(requestText(request, origin.host)))
  const pool = connectionPool(origin, CONNECTIONS, (status, dueMs, head) =>
    recording.add(dueMs, outcomeOf(status), head?.includes(FROM_STORE)),
  )
  await pool.fill(FILL_MS_MAX)
  const stop = new AbortController()
  const waiting: { readonly text: Buffer; readonly dueMs: number }[] = []
  const sendWaiting = () => {
    for (let [next] = waiting; next !== undefined && pool.send(next.text, next.dueMs); [next] = waiting)
      waiting.shift()
  }
  let sent = 0
  const sending = everyArrival({ perSecond, signal: stop.signal }, (n, dueMs) => {
    sent = n + 1
    const text = texts[n % texts.length]
    if (text !== undefined) waiting.push({ text, dueMs })
    sendWaiting()
  })
  const end = async () => {
    stop.abort()
    await sending
    const areAnswered = () => {
      sendWaiting()
      return waiting.length === 0 && pool.busy() === 0
    }
    await waitUntil('every request has an answer', areAnswered, { timeoutMs: ANSWERS_MS_MAX })
    pool.close()
  }
  return {
    get sent() {
      return sent
    },
    end,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await sending
      pool.close()
    },
  }
}

function outcomeOf(status: number | undefined): Outcome {
  if (status === 503) return 'refused'
  return status !== undefined && status < 400 ? 'answered' : 'failed'
}
