import { checkAttribution } from './attribution.ts'
import { checkTwins } from './batches.ts'
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
  const claims = claimsOf(history, feed)
  const order = orderOf(history, feed, claims)
  return [
    ...checkFeed(history, feed),
    ...claims.violations,
    ...checkValues(history),
    ...checkConditions(history, feed, claims),
    ...order.violations,
    ...checkTwins(history, feed),
    ...checkAttribution(history, feed, claims, order),
  ]
}
