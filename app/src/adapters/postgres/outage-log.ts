import type { Log } from '../../log.ts'

/** An outage is told of again after this time, however many attempts there were. */
const REPEAT_MS = 30_000

/** Says once that the database is gone, now and then that it still is, and once that it is back. */
export interface OutageLog {
  goesOn(reason: Error): void
  over(): void
}

export function createOutageLog(log: Log): OutageLog {
  let said: { reason: string; ms: number } | undefined
  let sinceMs: number | undefined
  return {
    goesOn({ message: reason }) {
      const nowMs = performance.now()
      sinceMs ??= nowMs
      if (said?.reason === reason && nowMs - said.ms < REPEAT_MS) return
      said = { reason, ms: nowMs }
      log.warn({ reason, sinceMs: Math.round(nowMs - sinceMs) }, 'no database')
    },
    over() {
      if (sinceMs === undefined) return
      log.info({ outageMs: Math.round(performance.now() - sinceMs) }, 'database reached')
      said = undefined
      sinceMs = undefined
    },
  }
}
