import { type Claims, couldMake, keyOf } from './claims.ts'
import type { Feed } from './feed.ts'
import { type History, type Operation, registerOf, type Violation, type Write } from './history.ts'
import { createTimeline, type Timeline } from './timeline.ts'

/** One item: an id, or a pair of twins. */
export interface Register {
  readonly ids: readonly string[]
  readonly timeline: Timeline
}

export interface Order {
  /** By id. */
  readonly registers: ReadonlyMap<string, Register>
  readonly violations: readonly Violation[]
}

/** Something that fits several versions, until what is known of the others leaves one. */
interface Vague {
  readonly operation: Operation
  readonly candidates: () => number[]
  readonly settle: (version: number) => void
}

const FITS = 'reads and writes of an id fit into one order, in which each takes effect while it is under way'

/** Reads, refusals and acknowledged writes of each item are linearizable. */
export function orderOf({ operations }: History, feed: Feed, claims: Claims): Order {
  const registers = new Map<string, Register>()
  const violations: Violation[] = []
  for (const [, group] of Map.groupBy(involvements(operations), ({ register }) => register)) {
    const ids = [...new Set(group.flatMap((one) => one.ids))]
    const last = Math.max(...ids.map((id) => feed.byId.get(id)?.length ?? 0))
    const register = { ids, timeline: createTimeline(last) }
    for (const id of ids) registers.set(id, register)
    violations.push(...fitAll(register, new Set(group.map(({ operation }) => operation)), feed, claims))
  }
  return { registers, violations }
}

function involvements(operations: readonly Operation[]) {
  return operations.flatMap((operation) => {
    const ids = [...operation.writes, ...operation.sights].map(({ id }) => id)
    return [...Map.groupBy(ids, registerOf)].map(([register, ids]) => ({ register, ids, operation }))
  })
}

function fitAll(
  register: Register,
  operations: ReadonlySet<Operation>,
  feed: Feed,
  claims: Claims,
): Violation[] {
  const { ids, timeline } = register
  const violations: Violation[] = []
  const vague: Vague[] = []
  for (const id of ids) {
    for (const { version, seenMs } of feed.byId.get(id) ?? []) {
      timeline.notAfter(version, { ms: seenMs, operation: undefined })
      const author = claims.authors.get(keyOf(id, version))
      if (author !== undefined) limitWrite(timeline, author.operation, version)
    }
  }
  for (const operation of operations) {
    for (const { id, version } of operation.sights.filter(({ id }) => ids.includes(id))) {
      if (version > timeline.last)
        violations.push({
          rule: 'what was committed is in the feed',
          detail: keyOf(id, version),
          operations: [operation],
        })
      else if (version > 0) limitSight(timeline, operation, version)
      else vague.push(absence(timeline, operation, absentVersions(id, feed)))
    }
    for (const write of operation.writes) {
      if (operation.outcome !== 'ok' || claims.known.has(write) || !ids.includes(write.id)) continue
      vague.push(unknownVersion(timeline, operation, write, feed, claims))
    }
  }
  const unexplained = settleAll(timeline, vague)
  violations.push(
    ...unexplained.map((operation) => ({ rule: FITS, detail: ids.join(' and '), operations: [operation] })),
  )
  return [...violations, ...contradictionOf(register), ...tooFewRaces(register, operations)]
}

function limitWrite(timeline: Timeline, operation: Operation, version: number): void {
  timeline.notBefore(version, { ms: operation.startMs, operation })
  if (operation.outcome === 'ok') timeline.notAfter(version, { ms: operation.endMs, operation })
}

function limitSight(timeline: Timeline, operation: Operation, version: number): void {
  timeline.notAfter(version, { ms: operation.endMs, operation })
  timeline.notBefore(version + 1, { ms: operation.startMs, operation })
}

/** Before the first version, and at every deleted one. */
function absentVersions(id: string, feed: Feed): number[] {
  const deletes = (feed.byId.get(id) ?? []).filter(({ op }) => op === 'delete')
  return [0, ...deletes.map(({ version }) => version)]
}

function absence(timeline: Timeline, operation: Operation, versions: readonly number[]): Vague {
  const { startMs, endMs } = operation
  return {
    operation,
    candidates: () => versions.filter((version) => timeline.mayBeCurrent(version, startMs, endMs)),
    settle: (version) => limitSight(timeline, operation, version),
  }
}

/** A delete is answered without its version. */
function unknownVersion(
  timeline: Timeline,
  operation: Operation,
  write: Write,
  feed: Feed,
  claims: Claims,
): Vague {
  const { startMs, endMs } = operation
  const possible = (feed.byId.get(write.id) ?? []).flatMap(({ op, version }) =>
    op === write.op && !claims.authors.has(keyOf(write.id, version)) && couldMake(write, version, feed)
      ? [version]
      : [],
  )
  return {
    operation,
    candidates: () => possible.filter((version) => timeline.mayBeMade(version, startMs, endMs)),
    settle: (version) => limitWrite(timeline, operation, version),
  }
}

/** Each that has one candidate left narrows the others. Returns those that have none. */
function settleAll(timeline: Timeline, vague: readonly Vague[]): Operation[] {
  let open = vague
  for (;;) {
    timeline.settle()
    const fits = open.map((one) => ({ one, candidates: one.candidates() }))
    const none = fits.filter(({ candidates }) => candidates.length === 0)
    if (none.length > 0) return none.map(({ one }) => one.operation)
    const clear = fits.filter(({ candidates }) => candidates.length === 1)
    if (clear.length === 0) return []
    for (const { one, candidates } of clear) one.settle(candidates[0] as number)
    open = fits.flatMap(({ one, candidates }) => (candidates.length > 1 ? [one] : []))
  }
}

function contradictionOf({ ids, timeline }: Register): Violation[] {
  const version = timeline.contradiction()
  if (version === undefined) return []
  const [earliest, latest] = [timeline.earliest(version), timeline.latest(version)]
  const detail = `${ids.join(' and ')}: version ${version} was there at ${latest.ms.toFixed(1)} ms at the latest, and at ${earliest.ms.toFixed(1)} ms at the earliest`
  const operations = [earliest.operation, latest.operation].filter((one) => one !== undefined)
  return [{ rule: FITS, detail, operations }]
}

function tooFewRaces({ ids, timeline }: Register, operations: ReadonlySet<Operation>): Violation[] {
  return [...operations].flatMap((operation) => {
    const { lostRaces, startMs, endMs } = operation
    if (lostRaces === undefined || !ids.includes(lostRaces.id)) return []
    let changes = 0
    for (let version = 1; version <= timeline.last; version++) {
      if (timeline.mayBeMade(version, startMs, endMs)) changes++
    }
    if (changes >= lostRaces.changes) return []
    const detail = `${lostRaces.id} changed ${changes} times in that time, and not ${lostRaces.changes}`
    return [{ rule: 'a conflict is answered only after as many lost races', detail, operations: [operation] }]
  })
}
