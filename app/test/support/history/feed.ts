import type { History, Operation, Reader, SeenChange, Violation } from './history.ts'

/** The feed as all readers together saw it. */
export interface Feed {
  /** In order of their positions, as seen first. */
  readonly changes: readonly SeenChange[]
  /** Of each id, the one at index 0 being version 1. */
  readonly byId: ReadonlyMap<string, readonly SeenChange[]>
}

export function feedOf({ readers }: History): Feed {
  const first = new Map<number, SeenChange>()
  for (const change of readers.flatMap(({ changes }) => changes)) {
    const known = first.get(change.position)
    if (known === undefined || change.seenMs < known.seenMs) first.set(change.position, change)
  }
  const changes = [...first.values()].sort((a, b) => a.position - b.position)
  return { changes, byId: Map.groupBy(changes, ({ id }) => id) }
}

/** Every reader has every change once, in one order that extends each id's own. Readers begin with the oldest. */
export function checkFeed(history: History, feed: Feed): Violation[] {
  return [
    ...history.readers.flatMap((reader) => checkReader(reader, feed)),
    ...[...feed.byId.values()].flatMap(checkVersions),
    ...checkPages(history, feed),
  ]
}

function checkReader({ name, changes }: Reader, feed: Feed): Violation[] {
  for (const [index, change] of changes.entries()) {
    if (change.position !== index + 1) {
      const detail = `${name} came from position ${index} to ${shown(change)}`
      return [violation('every reader of the feed gets each position once and in order', detail)]
    }
    const other = feed.changes[index]
    if (other !== undefined && !isSame(change, other)) {
      return [
        violation('all readers see the same feed', `${name} saw ${shown(change)}, others ${shown(other)}`),
      ]
    }
  }
  if (changes.length === feed.changes.length) return []
  const detail = `${name} has got ${changes.length} changes of ${feed.changes.length}`
  return [violation('all readers see the same feed', detail)]
}

function checkVersions(changes: readonly SeenChange[]): Violation[] {
  const at = changes.findIndex(({ version }, index) => version !== index + 1)
  if (at === -1) return []
  const around = changes.slice(Math.max(0, at - 1), at + 2).map(shown)
  return [violation("the feed holds each id's versions once and in order, from 1 on", around.join(', '))]
}

/** A page that was asked for after a write was acknowledged holds it, or comes before it. */
function checkPages({ operations, readers }: History, feed: Feed): Violation[] {
  const positions = new Map(feed.changes.map(({ id, version, position }) => [`${id} ${version}`, position]))
  const acknowledged = operations
    .filter(({ outcome }) => outcome === 'ok')
    .map((operation) => ({ operation, position: lastPosition(operation, positions) }))
    .sort((a, b) => a.operation.endMs - b.operation.endMs)
  const pages = readers
    .flatMap(({ name, pages }) => pages.map((page) => ({ name, ...page })))
    .sort((a, b) => a.startMs - b.startMs)
  let next = 0
  let due = { position: 0, operation: undefined as Operation | undefined }
  for (const { name, startMs, last } of pages) {
    for (; (acknowledged[next]?.operation.endMs ?? Infinity) < startMs; next++) {
      const written = acknowledged[next]
      if (written !== undefined && written.position > due.position) due = written
    }
    if (due.operation !== undefined && last < due.position) {
      const detail = `${name} asked at ${startMs.toFixed(1)} ms and was told that ${last} is the last; ${due.position} was acknowledged`
      return [
        {
          ...violation('a page of the feed holds what was acknowledged before', detail),
          operations: [due.operation],
        },
      ]
    }
  }
  return []
}

function lastPosition({ writes }: Operation, positions: ReadonlyMap<string, number>): number {
  return Math.max(0, ...writes.map(({ id, version }) => positions.get(`${id} ${version}`) ?? 0))
}

function isSame(a: SeenChange, b: SeenChange): boolean {
  return a.id === b.id && a.version === b.version && a.op === b.op
}

function shown({ position, id, version, op }: SeenChange): string {
  return `${position} (${op} ${id} ${version})`
}

function violation(rule: string, detail: string): Violation {
  return { rule, detail, operations: [] }
}
