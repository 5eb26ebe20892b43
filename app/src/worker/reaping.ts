import type { Imports, ReapLimits } from '../ports/imports.ts'

const EVERY_MS = 10_000
const HOUR_MS = 3_600_000
const limits: Omit<ReapLimits, 'receivingMs'> = {
  // A queue may lose a message: when it is purged, or keeps none for longer. Rarely, for some were given up with a reason.
  untouchedMs: 12 * HOUR_MS,
  finishedMs: 7 * 24 * HOUR_MS,
}

/** Much longer than a chunk takes to be staged behind the last bytes that came, `CHUNK_AGE_MAX_MS` and the store's time. */
const STAGED_MS = 30_000

/**
 * Sees to imports that were left behind, now and then. Every process that works tries. An upload may stand still for
 * `silenceMaxMs`.
 */
export function createReaping(
  imports: Pick<Imports, 'reap'>,
  silenceMaxMs: number,
): { start(): void; stop(): Promise<void> } {
  const receivingMs = silenceMaxMs + STAGED_MS
  let timer: NodeJS.Timeout | undefined
  // What fails now is done the next time.
  const reap = () => void imports.reap({ ...limits, receivingMs }).catch(() => {})
  return {
    start() {
      reap()
      timer = setInterval(reap, EVERY_MS)
    },
    async stop() {
      clearInterval(timer)
    },
  }
}
