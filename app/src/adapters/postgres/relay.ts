import { createWaiters } from '../waiters.ts'
import { unavailable } from './faults.ts'
import type { Pool } from './pool.ts'
import type { ScriptResult } from './session.ts'
import { sqlOf } from './statements.ts'

/**
 * Moves committed changes from the outbox into the feed, in rounds. Every process tries: whatever process committed a
 * change and died then, another one gives it its position.
 */
export interface Relay {
  /** The feed's identity, as of the latest round; empty before the first. */
  readonly feedId: string
  /** The last position, as of the latest round. */
  readonly lastPosition: number
  /** One round: then the feed is known, whatever else is in the outbox. Throws `unavailable`. */
  round(): Promise<void>
  /** Begins to look for changes of other processes. */
  start(): void
  /** This process has committed a change. */
  committed(): void
  /** Resolves when all that was committed before this call is in the feed. Throws `unavailable`. */
  catchUp(): Promise<void>
  /** As `Feed.wait`. */
  wait(position: number, timeoutMs: number, signal: AbortSignal): Promise<void>
  close(): void
}

const ROUND_ROWS_MAX = 2000
const ROUNDS_MAX = 50
/** Own changes go together: a round every so often costs the database a fiftieth of a round for each. */
const OWN_CHANGES_MS = 20
/** How long a change of another process may stay unseen by those who wait. */
const OTHERS_CHANGES_MS = 250
/** Changes of processes that died before their round, when nobody waits. */
const LEFT_BEHIND_MS = 1000

const round = sqlOf('relay-round').replace('ROUND_ROWS_MAX', String(ROUND_ROWS_MAX))

export function createRelay(pool: Pool): Relay {
  const waiters = createWaiters()
  let feedId = ''
  let lastPosition = 0
  let roundedMs = 0
  let ownTimer: NodeJS.Timeout | undefined
  let othersTimer: NodeJS.Timeout | undefined
  /** The rounds that are under way, and those that begin after them: whoever comes in the meantime shares these. */
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined

  async function oneRound(): Promise<number> {
    const [, moved, counter] = await pool.use((session) => session.script(round))
    const [row] = (counter as ScriptResult).rows
    const [id, position] = row as [string, number]
    const isNews = position !== lastPosition
    feedId = id
    lastPosition = position
    roundedMs = performance.now()
    if (isNews) waiters.wake()
    return moved?.rowCount ?? 0
  }

  /** Until the outbox is empty; more may be coming in all the time, so not for ever. */
  async function rounds(): Promise<void> {
    for (let left = ROUNDS_MAX; left > 0; left--) {
      if ((await oneRound()) < ROUND_ROWS_MAX) return
    }
  }

  async function afterCurrent(): Promise<void> {
    await current?.catch(() => {})
    next = undefined
    current = rounds()
    await current
  }

  function catchUp(): Promise<void> {
    next ??= afterCurrent()
    return next
  }

  /** What fails now is done by the next round, and whoever reads is told. */
  function tryRound(): void {
    catchUp().catch(() => {})
  }

  return {
    get feedId() {
      return feedId
    },
    get lastPosition() {
      return lastPosition
    },
    async round() {
      try {
        await oneRound()
      } catch (fault) {
        throw unavailable(fault)
      }
    },
    start() {
      othersTimer = setInterval(() => {
        const isDue = performance.now() - roundedMs > LEFT_BEHIND_MS
        if (isDue || waiters.size > 0) tryRound()
      }, OTHERS_CHANGES_MS)
    },
    committed() {
      ownTimer ??= setTimeout(() => {
        ownTimer = undefined
        tryRound()
      }, OWN_CHANGES_MS)
    },
    async catchUp() {
      try {
        await catchUp()
      } catch (fault) {
        throw unavailable(fault)
      }
    },
    async wait(position, timeoutMs, signal) {
      if (lastPosition <= position) await waiters.wait(timeoutMs, signal)
    },
    close() {
      clearInterval(othersTimer)
      clearTimeout(ownTimer)
    },
  }
}
