import type { Imports } from '../ports/imports.ts'

const EVERY_MS = 10_000
/** An upload of which nothing has come for so long is given up. */
const RECEIVING_MS = 60_000
const FINISHED_MS = 7 * 86_400_000

/** Gives up broken uploads and forgets old imports, now and then. Every process that works tries. */
export function createReaping(imports: Pick<Imports, 'reap'>): { start(): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  // What fails now is done the next time.
  const reap = () => void imports.reap(RECEIVING_MS, FINISHED_MS).catch(() => {})
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
