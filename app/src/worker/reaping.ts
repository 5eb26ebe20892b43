import type { Imports, ReapLimits } from '../ports/imports.ts'

const EVERY_MS = 10_000
const HOUR_MS = 3_600_000
const limits: ReapLimits = {
  receivingMs: 60_000,
  // A queue may lose a message: when it is purged, or keeps none for longer. Rarely, for some were given up with a reason.
  untouchedMs: 12 * HOUR_MS,
  finishedMs: 7 * 24 * HOUR_MS,
}

/** Sees to imports that were left behind, now and then. Every process that works tries. */
export function createReaping(imports: Pick<Imports, 'reap'>): { start(): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  // What fails now is done the next time.
  const reap = () => void imports.reap(limits).catch(() => {})
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
