import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { Imports } from '../ports/imports.ts'

/** Applies imports, chunk by chunk, as long as there are any. */
export interface ImportWork {
  start(): void
  /** There is something to do. */
  wake(): void
  /** Resolves when the chunk under way is done. */
  stop(): Promise<void>
}

/** Other processes' imports are found after this time at the latest. */
const LOOK_EVERY_MS = 500
const RETRY_MS = 500
const REAP_EVERY_MS = 10_000
/** An upload of which nothing has come for so long is given up. */
const RECEIVING_MS = 60_000
const FINISHED_MS = 7 * 86_400_000

export function createImportWork(imports: Pick<Imports, 'work' | 'reap'>, log: Log): ImportWork {
  const stopping = new AbortController()
  let waiting = new AbortController()
  let running: Promise<void> | undefined
  let reapedMs = Number.NEGATIVE_INFINITY
  let isFailing = false

  async function pause(ms: number): Promise<void> {
    waiting = new AbortController()
    await delay(ms, undefined, { signal: AbortSignal.any([stopping.signal, waiting.signal]) }).catch(() => {})
  }

  async function reap(): Promise<void> {
    if (performance.now() - reapedMs < REAP_EVERY_MS) return
    reapedMs = performance.now()
    await imports.reap(RECEIVING_MS, FINISHED_MS)
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await reap()
        const isDone = await imports.work()
        isFailing = false
        // Requests have their turn between two chunks.
        await pause(isDone ? 0 : LOOK_EVERY_MS)
      } catch (err) {
        if (!isFailing) log.warn({ err }, 'imports wait')
        isFailing = true
        await pause(RETRY_MS)
      }
    }
  }

  return {
    start() {
      running = run()
    },
    wake() {
      waiting.abort()
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
