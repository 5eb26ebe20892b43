import { type Claims, couldMake, keyOf } from './claims.ts'
import type { Feed } from './feed.ts'
import type { History, Operation, SeenChange, Violation, Write } from './history.ts'
import type { Order } from './order.ts'

interface Candidate {
  readonly operation: Operation
  readonly write: Write
  /** It was done for sure. */
  readonly isDone: boolean
}

/**
 * What nobody was told or read is matched: every change in the feed needs a write of its own that may have made it,
 * and every write that was done a change. Both can be had together if each can be had alone (Mendelsohn and Dulmage).
 */
export function checkAttribution(
  { operations }: History,
  feed: Feed,
  claims: Claims,
  order: Order,
): Violation[] {
  const candidates = Map.groupBy(
    operations.flatMap((operation) => candidatesOf(operation, claims)),
    ({ write }) => write.id,
  )
  const ids = new Set([...feed.byId.keys(), ...candidates.keys()])
  return [...ids].flatMap((id) => {
    const changes = (feed.byId.get(id) ?? []).filter(({ version }) => !claims.authors.has(keyOf(id, version)))
    return matchAll(changes, candidates.get(id) ?? [], feed, order)
  })
}

function candidatesOf(operation: Operation, { known }: Claims): Candidate[] {
  const { outcome, writes } = operation
  if (outcome !== 'ok' && outcome !== 'unknown') return []
  // Of a batch whose outcome is unknown, one part that was read tells that all of it was done.
  const isDone = outcome === 'ok' || writes.some((write) => known.has(write))
  return writes.filter((write) => !known.has(write)).map((write) => ({ operation, write, isDone }))
}

function matchAll(
  changes: readonly SeenChange[],
  candidates: readonly Candidate[],
  feed: Feed,
  { registers }: Order,
): Violation[] {
  const fits = ({ id, version, op }: SeenChange, { operation, write }: Candidate) => {
    const endMs = operation.outcome === 'ok' ? operation.endMs : Number.POSITIVE_INFINITY
    return (
      op === write.op &&
      couldMake(write, version, feed) &&
      registers.get(id)?.timeline.mayBeMade(version, operation.startMs, endMs) === true
    )
  }
  const nobodys = unmatched(changes, candidates, fits).map(({ position, op, id, version, seenMs }) => ({
    rule: 'nothing is in the feed that no client has sent',
    detail: `${op} ${id} ${version} at position ${position}, seen at ${seenMs.toFixed(1)} ms`,
    operations: [],
  }))
  const done = candidates.filter(({ isDone }) => isDone)
  const lost = unmatched(done, changes, (candidate, change) => fits(change, candidate)).map(
    ({ operation, write }) => ({
      rule: 'what was done is in the feed, all of it',
      detail: `${write.op} ${write.id}`,
      operations: [operation],
    }),
  )
  return [...nobodys, ...lost]
}

/** Those of `left` that are left over when as many as can be have one of `right` of their own (Kuhn's algorithm). */
function unmatched<Left, Right>(
  left: readonly Left[],
  right: readonly Right[],
  fits: (one: Left, other: Right) => boolean,
): Left[] {
  const takenBy = new Map<Right, Left>()
  const find = (one: Left, tried: Set<Right>): boolean =>
    right.some((other) => {
      if (tried.has(other) || !fits(one, other)) return false
      tried.add(other)
      const holder = takenBy.get(other)
      if (holder !== undefined && !find(holder, tried)) return false
      takenBy.set(other, one)
      return true
    })
  return left.filter((one) => !find(one, new Set()))
}
