import type { Feed } from './feed.ts'
import type { History, Operation, Sight, Violation } from './history.ts'

/** What a cache tells without a mark may be so far behind what anybody knew when it was asked. */
export const BEHIND_MS_MAX = 1000

const RULE = `what a cache tells is at most ${BEHIND_MS_MAX} ms behind, or marked as stale`

/**
 * Of every cached answer: what it showed had not been superseded, as far as anybody knew, `BEHIND_MS_MAX` before it was
 * asked for. So no client sees a version go backwards by more than that, whatever it saw before.
 */
export function checkCached({ operations }: History, feed: Feed): Violation[] {
  const known = knownTimes(operations)
  const begun = begunTimes(operations)

  /** The last version that made the id absent and may have done so before this moment. */
  function absenceBefore(id: string, endMs: number): number {
    const deletes = (feed.byId.get(id) ?? []).filter(
      ({ op, version }) => op === 'delete' && begun(id, version) < endMs,
    )
    return deletes.at(-1)?.version ?? 0
  }

  function violationOf(operation: Operation, { id, version }: Sight): Violation[] {
    const operations = [operation]
    if (version > 0 && feed.byId.get(id)?.[version - 1]?.op !== 'put')
      return [{ rule: 'what a cache tells was committed', detail: `${id} ${version}`, operations }]
    const shown = version === 0 ? absenceBefore(id, operation.endMs) : version
    const behindMs = operation.startMs - known(id, shown + 1)
    if (operation.cached?.isStale || behindMs <= BEHIND_MS_MAX) return []
    const detail = `${id}: version ${shown + 1} had been known for ${behindMs.toFixed(0)} ms`
    return [{ rule: RULE, detail, operations }]
  }

  return operations
    .filter(({ cached }) => cached !== undefined)
    .flatMap((operation) => operation.sights.flatMap((sight) => violationOf(operation, sight)))
}

/** Nobody had begun to make this version of an id before. A delete is not told which version it made. */
function begunTimes(operations: readonly Operation[]): (id: string, version: number) => number {
  const times = new Map<string, number[]>()
  for (const { writes, startMs } of operations) {
    for (const { id, version } of writes) {
      if (version !== undefined) times.getOrInsertComputed(id, () => [])[version] = startMs
    }
  }
  return (id, version) => {
    const ofId = (times.get(id) ?? []).slice(0, version + 1)
    return Math.max(0, ...ofId.filter((ms) => ms !== undefined))
  }
}

/** When somebody first knew that there is this version of an id, or a later one. */
function knownTimes(operations: readonly Operation[]): (id: string, version: number) => number {
  const times = new Map<string, number[]>()
  for (const { outcome, writes, sights, endMs } of operations) {
    for (const { id, version = 0 } of [...(outcome === 'ok' ? writes : []), ...sights]) {
      const ofId = times.getOrInsertComputed(id, () => [])
      ofId[version] = Math.min(ofId[version] ?? Number.POSITIVE_INFINITY, endMs)
    }
  }
  for (const ofId of times.values()) {
    for (let version = ofId.length - 1; version > 0; version--) {
      ofId[version - 1] = Math.min(
        ofId[version - 1] ?? Number.POSITIVE_INFINITY,
        ofId[version] ?? Number.POSITIVE_INFINITY,
      )
    }
  }
  return (id, version) => times.get(id)?.[version] ?? Number.POSITIVE_INFINITY
}
