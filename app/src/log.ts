import { fstatSync, writeSync } from 'node:fs'
import { destination, type Logger, pino } from 'pino'
import type { Config } from './config.ts'
import { isoTime } from './domain/iso-time.ts'

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

/** A request and its answer, as the log tells of them: never with a body, a query or a header. */
export interface RequestLine {
  /** When its answer ended, on the clock of `performance.now()`. */
  readonly endMs: number
  readonly reqId: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
  /** False when the client left before it had the whole answer. */
  readonly complete: boolean
}

export interface LogOutput {
  readonly log: Log
  /** Logs a line at `info`. */
  readonly request: (line: RequestLine) => void
  /** Bytes of log that were dropped because whoever reads it is too slow. */
  readonly droppedBytes: () => number
  /** Writes what is still in memory, at once. */
  readonly flush: () => void
}

const STDOUT = 1

/** Lines are written together: a write for each would cost more than the request that it tells of. */
const CHUNK_CHARS = 12 * 1024
/** And made together: between two requests the kernel has taken the caches, and making a line would fill them anew. */
const REQUESTS_MAX = 64
const FLUSH_EVERY_MS = 100
/** A reader of the log that stands still costs lines, not memory. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024

/** JSON lines on standard output, at most `FLUSH_EVERY_MS` late. */
export function createLog(level: Config['LOG_LEVEL']): LogOutput {
  let droppedBytes = 0
  let lines = ''
  /** Requests whose lines have still to be made; they come after `lines`. */
  let requests: RequestLine[] = []
  const isFile = fstatSync(STDOUT).isFile()
  const output = destination({ dest: STDOUT, sync: false, maxLength: BUFFERED_BYTES_MAX })
  output.on('drop', (chunk: string) => {
    droppedBytes += chunk.length
  })
  // Nobody reads the log any more. That is no reason to stop serving, and there is nowhere to say it.
  output.on('error', () => {})

  // The destination measures all that it holds at every write, so it is given chunks and not lines.
  function write(line: string): void {
    makeRequestLines()
    lines += line
    if (lines.length >= CHUNK_CHARS) writeChunk()
  }
  function makeRequestLines(): void {
    if (requests.length === 0) return
    const clockStartMs = Date.now() - performance.now()
    for (const request of requests)
      lines += requestText(request, timeText(Math.floor(clockStartMs + request.endMs)))
    requests = []
  }
  function writeChunk(): void {
    makeRequestLines()
    const chunk = lines
    lines = ''
    if (chunk === '') return
    // A file takes a chunk at once, and handing it to another thread costs more; a pipe may be full, and must not block.
    if (isFile) writeNow(chunk)
    else output.write(chunk)
  }
  function writeNow(chunk: string): void {
    try {
      writeSync(STDOUT, chunk)
    } catch {
      // The disk is full, or nobody reads any more: serving goes on.
      droppedBytes += chunk.length
    }
  }
  setInterval(writeChunk, FLUSH_EVERY_MS).unref()

  const log = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${timeText(Date.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  const logsRequests = log.isLevelEnabled('info')

  return {
    log,
    request(line) {
      if (!logsRequests) return
      requests.push(line)
      if (requests.length >= REQUESTS_MAX) writeChunk()
    },
    droppedBytes: () => droppedBytes,
    flush() {
      try {
        output.flushSync()
      } catch {
        // As for the error event above.
      }
      makeRequestLines()
      // Handed to the destination, it would go to a thread that the end of the process does not wait for.
      writeNow(lines)
      lines = ''
    },
  }
}

let latestMs = Number.NaN
let latestText = ''

/** Under load many lines fall into one millisecond. */
function timeText(timeMs: number): string {
  if (timeMs !== latestMs) {
    latestMs = timeMs
    latestText = isoTime(timeMs)
  }
  return latestText
}

/** What needs no escape in a JSON string. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
const thousandths = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'))

/** The same text as pino would write, at a quarter of its cost: this is the one line that every request has. */
function requestText(
  { reqId, method, path, status, durationMs, complete }: RequestLine,
  time: string,
): string {
  const quotedPath = PLAIN.test(path) ? `"${path}"` : JSON.stringify(path)
  const micros = Math.round(durationMs * 1000)
  const duration = `${Math.floor(micros / 1000)}.${thousandths[micros % 1000]}`
  const message = complete ? 'request' : 'request aborted'
  return `{"level":"info","time":"${time}","reqId":"${reqId}","method":"${method}","path":${quotedPath},"status":${status},"durationMs":${duration},"msg":"${message}"}\n`
}
