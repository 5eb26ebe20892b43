import type { Log } from '../log.ts'

/** A reason is told again after this time, however many attempts there were, and however many reasons in turn. */
const REPEAT_MS = 30_000
/** Of an outage, in this time: no more reasons than a reader wants to know. */
const REASONS_MAX = 10

/** Says once that a dependency is gone, now and then that it still is, and once that it is back. */
export interface OutageLog {
  goesOn(reason: Error): void
  over(): void
  /** Why it is not there; undefined when there is one, as far as is known. */
  readonly reason: Error | undefined
}

/** `name`: of the dependency, as a reader of the log knows it. */
export function createOutageLog(log: Log, name: string): OutageLog {
  const saidMs = new Map<string, number>()
  let sinceMs: number | undefined
  let latest: Error | undefined

  function isNews(reason: string, nowMs: number): boolean {
    for (const [said, ms] of saidMs) if (nowMs - ms > REPEAT_MS) saidMs.delete(said)
    if (saidMs.has(reason) || saidMs.size >= REASONS_MAX) return false
    saidMs.set(reason, nowMs)
    return true
  }

  return {
    goesOn(error) {
      const nowMs = performance.now()
      sinceMs ??= nowMs
      latest = error
      const reason = textOf(error)
      if (isNews(reason, nowMs)) log.warn({ reason, sinceMs: Math.round(nowMs - sinceMs) }, `no ${name}`)
    },
    over() {
      latest = undefined
      if (sinceMs === undefined) return
      log.info({ outageMs: Math.round(performance.now() - sinceMs) }, `${name} reached`)
      saidMs.clear()
      sinceMs = undefined
    },
    get reason() {
      return latest
    },
  }
}

/** A host with several addresses fails for several reasons at once, and Node.js has no words for that. */
function textOf(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined
  return error.message || first?.message || error.name
}
