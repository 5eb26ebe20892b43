/**
 * Ids in byte order. An id is ASCII, so JavaScript's order of UTF-16 units is the byte order that PostgreSQL's
 * `collate "C"` has. An insert moves the ids behind it: a copy of 8 bytes an id, 0.1 ms at a million ids.
 */
export interface SortedIds {
  add(id: string): void
  delete(id: string): void
  /** Ids not before `from` (or after it, when `after` is set), as long as they start with `prefix`. */
  range(prefix: string, after: string | undefined): IterableIterator<string>
}

export function createSortedIds(): SortedIds {
  const ids: string[] = []

  /** The index of the first id that is not before `id`. */
  function lowerBound(id: string): number {
    let low = 0
    let high = ids.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ids[middle] as string) < id) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    add(id) {
      const at = lowerBound(id)
      if (ids[at] !== id) ids.splice(at, 0, id)
    },
    delete(id) {
      const at = lowerBound(id)
      if (ids[at] === id) ids.splice(at, 1)
    },
    *range(prefix, after) {
      const skipsFirst = after !== undefined && after >= prefix
      let at = lowerBound(skipsFirst ? after : prefix)
      if (skipsFirst && ids[at] === after) at++
      for (let id = ids[at]; id?.startsWith(prefix); id = ids[++at]) yield id
    },
  }
}
