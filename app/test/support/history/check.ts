import { checkAttribution } from './attribution.ts'
import { checkTwins } from './batches.ts'
import { checkCached } from './cached.ts'
import { checkConditions, checkValues, claimsOf } from './claims.ts'
import { checkFeed, feedOf } from './feed.ts'
import type { History, Violation } from './history.ts'
import { orderOf } from './order.ts'

/**
 * What in a history breaks a promise. The history is that of a whole run: its readers began with the first change and
 * have read to the end, and its last operations read every id.
 */
export function checkHistory(history: History): Violation[] {
  const feed = feedOf(history)
  /** What the store answered. */
  const stored = { ...history, operations: history.operations.filter(({ cached }) => cached === undefined) }
  const claims = claimsOf(stored, feed)
  const order = orderOf(stored, feed, claims)
  return [
    ...checkFeed(stored, feed),
    ...claims.violations,
    ...checkValues(history),
    ...checkCached(history, feed),
    ...checkConditions(stored, feed, claims),
    ...order.violations,
    ...checkTwins(stored, feed),
    ...checkAttribution(stored, feed, claims, order),
  ]
}
