import type { Operation } from './history.ts'

/** A limit on the moment at which a version came to be, and the operation that it follows from. */
export interface Limit {
  readonly ms: number
  readonly operation: Operation | undefined
}

/**
 * When the versions 1 to `last` of one item came to be, as far as is known. Each was there from its moment until that
 * of the next: so they come one after the other, and every operation limits the moments of the versions that it made
 * or saw. Moments that keep all limits exist if and only if no version's earliest is later than its latest; that is
 * all there is to linearizability once the versions are known.
 */
export interface Timeline {
  readonly last: number
  /**
   * `version` was made at `ms` or later. The one after `last` was not made yet; it may have limits all the same. What
   * is said of others is dropped: that they are not in the feed is a fault of its own.
   */
  notBefore(version: number, limit: Limit): void
  notAfter(version: number, limit: Limit): void
  /** Carries the limits of each version over to its neighbours. */
  settle(): void
  earliest(version: number): Limit
  latest(version: number): Limit
  /** Whether `version` may have been the current one at some moment from `startMs` to `endMs`. 0 is before the first. */
  mayBeCurrent(version: number, startMs: number, endMs: number): boolean
  /** Whether `version` may have been made in this time. */
  mayBeMade(version: number, startMs: number, endMs: number): boolean
  /** The first version whose limits contradict each other. */
  contradiction(): number | undefined
}

const ALWAYS: Limit = { ms: Number.NEGATIVE_INFINITY, operation: undefined }
const NEVER: Limit = { ms: Number.POSITIVE_INFINITY, operation: undefined }

export function createTimeline(last: number): Timeline {
  const earliest: Limit[] = Array.from({ length: last + 2 }, () => ALWAYS)
  const latest: Limit[] = Array.from({ length: last + 2 }, () => NEVER)
  latest[0] = ALWAYS
  const earliestOf = (version: number) => earliest[version] ?? ALWAYS
  const latestOf = (version: number) => latest[version] ?? NEVER
  return {
    last,
    notBefore(version, other) {
      if (version <= last + 1 && other.ms > earliestOf(version).ms) earliest[version] = other
    },
    notAfter(version, other) {
      if (version > 0 && version <= last + 1 && other.ms < latestOf(version).ms) latest[version] = other
    },
    settle() {
      for (let version = 1; version <= last + 1; version++) {
        this.notBefore(version, earliestOf(version - 1))
      }
      for (let version = last; version > 0; version--) this.notAfter(version, latestOf(version + 1))
    },
    earliest: earliestOf,
    latest: latestOf,
    mayBeCurrent: (version, startMs, endMs) =>
      earliestOf(version).ms <= endMs && latestOf(version + 1).ms >= startMs,
    mayBeMade: (version, startMs, endMs) =>
      earliestOf(version).ms <= endMs && latestOf(version).ms >= startMs,
    contradiction() {
      const at = earliest.findIndex(({ ms }, version) => version > 0 && ms > latestOf(version).ms)
      return at === -1 ? undefined : at
    },
  }
}
