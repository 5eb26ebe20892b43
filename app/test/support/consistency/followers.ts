import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import type { FeedPage, Reader, SeenChange } from '../history/history.ts'
import { agent, exchange } from './exchange.ts'

const PAGE_LIMIT = 200
const WAIT_SECONDS = 1
/** Of a poll that waits, and of a stream on which something comes all the time. */
const SILENCE_MS_MAX = 2000
const PAUSE_MS = 100

/** A reader that follows the feed through everything: when its process fails it, it goes on at another one. */
export interface Follower extends Reader, AsyncDisposable {
  /** Requests and streams that ended before their time. */
  readonly interruptions: number
  /** Resolves when it has read as far as `position`. */
  reached(position: number, timeoutMs: number): Promise<void>
  end(): Promise<void>
}

interface Progress {
  readonly changes: SeenChange[]
  readonly pages: FeedPage[]
  cursor: string | undefined
  interruptions: number
}

type Step = (port: number, progress: Progress, ending: AbortSignal) => Promise<boolean>

/** Begins at the process at `first` of `ports`. */
export function followByPolls(ports: readonly number[], first: number): Follower {
  return follow(`long poll ${first}`, ports, first, poll)
}

export function followByStream(ports: readonly number[], first: number): Follower {
  return follow(`stream ${first}`, ports, first, stream)
}

/** `step` resolves to whether the process did what it was asked for. */
function follow(name: string, ports: readonly number[], first: number, step: Step): Follower {
  const progress: Progress = { changes: [], pages: [], cursor: undefined, interruptions: 0 }
  const ending = new AbortController()

  async function run(): Promise<void> {
    for (let process = first; !ending.signal.aborted; ) {
      if (await step(ports[process] as number, progress, ending.signal)) continue
      progress.interruptions++
      process = (process + 1) % ports.length
      await delay(PAUSE_MS)
    }
  }

  let fault: unknown
  const running = run().catch((error: unknown) => {
    fault = error
  })
  const end = async () => {
    ending.abort()
    await running
  }
  return {
    name,
    changes: progress.changes,
    pages: progress.pages,
    get interruptions() {
      return progress.interruptions
    },
    async reached(position, timeoutMs) {
      const hasReached = () => {
        if (fault !== undefined) throw fault
        return (progress.changes.at(-1)?.position ?? 0) >= position
      }
      await waitUntil(`${name} reads to ${position}`, hasReached, { timeoutMs })
    },
    end,
    [Symbol.asyncDispose]: end,
  }
}

async function poll(port: number, progress: Progress): Promise<boolean> {
  return readPage(port, progress, { wait: WAIT_SECONDS })
}

interface PageOptions {
  readonly wait: number
}

async function readPage(port: number, progress: Progress, { wait }: PageOptions): Promise<boolean> {
  const { cursor, changes, pages } = progress
  const after = cursor === undefined ? '' : `&after=${cursor}`
  const startMs = performance.now()
  const path = `/changes?limit=${PAGE_LIMIT}&wait=${wait}${after}`
  const answer = await exchange(port, { method: 'GET', path }, SILENCE_MS_MAX)
  if (typeof answer === 'string') return false
  if (answer.status === 503) return false
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.json)}`)
  const seenMs = performance.now()
  for (const { position, id, version, op } of answer.json.changes) {
    changes.push({ position, id, version, op, seenMs })
  }
  progress.cursor = answer.json.next
  // One that is full does not promise to hold all there is.
  if (answer.json.changes.length < PAGE_LIMIT) pages.push({ startMs, last: changes.at(-1)?.position ?? 0 })
  return true
}

/** Reads the whole feed of one process once. */
export async function readToEnd(port: number, name: string): Promise<Reader> {
  const progress: Progress = { changes: [], pages: [], cursor: undefined, interruptions: 0 }
  while (progress.pages.length === 0) {
    if (!(await readPage(port, progress, { wait: 0 }))) throw new Error(`${name}: the feed cannot be read`)
  }
  return { name, ...progress }
}

/** Resolves when the stream has ended, which it never does by itself. */
async function stream(port: number, progress: Progress, ending: AbortSignal): Promise<boolean> {
  const { cursor } = progress
  const resume = cursor === undefined ? {} : { 'last-event-id': cursor }
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path: '/changes',
    agent,
    headers: { accept: 'text/event-stream', ...resume },
    timeout: SILENCE_MS_MAX,
  })
  request.on('timeout', () => request.destroy())
  const stop = () => request.destroy()
  ending.addEventListener('abort', stop)
  try {
    const response = await responseTo(request)
    if (response?.statusCode === 200) await takeEvents(response, progress).catch(ifBroken)
    else if (response !== undefined && response.statusCode !== 503)
      throw new Error(`stream: ${response.statusCode}`)
    return ending.aborted
  } finally {
    ending.removeEventListener('abort', stop)
    request.destroy()
  }
}

async function responseTo(request: ClientRequest): Promise<IncomingMessage | undefined> {
  request.end()
  try {
    const [response] = await once(request, 'response')
    return response
  } catch {
    return undefined
  }
}

/** A stream that breaks has ended, like any other. */
function ifBroken(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ECONNRESET') throw error
}

/** Of events whose one line of `data` follows on their `id`. */
async function takeEvents(response: IncomingMessage, progress: Progress): Promise<void> {
  let cursor: string | undefined
  for await (const line of createInterface({ input: response })) {
    if (line.startsWith('id: ')) cursor = line.slice(4)
    if (!line.startsWith('data: ')) continue
    const { position, id, version, op } = JSON.parse(line.slice(6))
    progress.changes.push({ position, id, version, op, seenMs: performance.now() })
    progress.cursor = cursor
  }
}
