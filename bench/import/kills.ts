import type { ImportText } from '../../app/test/support/work/upload.ts'
import type { System } from '../system.ts'

/** Kills the worker at moments that are spread over an import, and sees how long nobody goes on. */
export interface Kills {
  look(found: ImportText): Promise<void>
  /** How many there have been. */
  readonly count: number
  /** From each kill to the first line that was seen to be applied after it; the last one may be without. */
  readonly takeoverSeconds: readonly number[]
}

/** As many kills as `times`, each when another part of the lines has been applied. */
export function killsOf(system: Pick<System, 'replaceWorker'>, lines: number, times: number): Kills {
  let count = 0
  let killed: { readonly atMs: number; applied: number | undefined } | undefined
  const takeoverSeconds: number[] = []
  return {
    async look({ lines: { applied } }) {
      if (killed !== undefined) {
        // The last chunk of the one that was killed may have been committed after the look before.
        killed.applied ??= applied
        // Who waits is not killed, but who goes on.
        if (applied === killed.applied) return
        takeoverSeconds.push((performance.now() - killed.atMs) / 1000)
        killed = undefined
      }
      if (count === times || applied < (lines * (count + 1)) / (times + 1)) return
      count += 1
      killed = { atMs: performance.now(), applied: undefined }
      await system.replaceWorker()
    },
    get count() {
      return count
    },
    takeoverSeconds,
  }
}
