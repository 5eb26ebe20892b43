import { destination, type Logger, pino } from 'pino'
import type { Config } from './config.ts'

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

export interface LogOutput {
  readonly log: Log
  /** Lines that were dropped because whoever reads the log is too slow. */
  readonly dropped: () => number
  /** Writes what is still in memory, at once. */
  readonly flush: () => void
}

const FLUSH_BYTES = 8 * 1024
const FLUSH_EVERY_MS = 100
/** A reader of the log that stands still costs lines, not memory. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024

/**
 * JSON lines on standard output. They are written together, at most `FLUSH_EVERY_MS` late: a write for each line
 * costs more than the request that it tells of.
 */
export function createLog(level: Config['LOG_LEVEL']): LogOutput {
  let dropped = 0
  const output = destination({
    dest: 1,
    sync: false,
    minLength: FLUSH_BYTES,
    maxLength: BUFFERED_BYTES_MAX,
    periodicFlush: FLUSH_EVERY_MS,
  })
  output.on('drop', () => dropped++)
  // Nobody reads the log any more. That is no reason to stop serving, and there is nowhere to say it.
  output.on('error', () => {})
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  )
  return {
    log,
    dropped: () => dropped,
    flush() {
      try {
        output.flushSync()
      } catch {
        // As above.
      }
    },
  }
}
