import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../backoff.ts'
import { unavailable } from './faults.ts'
import type { Session } from './session.ts'

/**
 * A fixed number of sessions, each opened at once and opened again when it ends: no request ever waits for a
 * connection to be made, and a database that is back is found whether anybody asks or not.
 */
export interface Pool {
  /**
   * Lends a session, the longest waiting first. Rejects with `unavailable` as soon as there is none and none can be
   * opened.
   */
  use<T>(run: (session: Session) => Promise<T>): Promise<T>
  /** Opens the sessions. Resolves with the first; rejects with a fault that waiting does not mend, if it was the first. */
  start(): Promise<void>
  readonly isConnected: boolean
  readonly sessions: number
  close(): Promise<void>
}

export interface PoolOptions {
  readonly size: number
  readonly open: () => Promise<Session>
  /** What to tell the operator of a fault that waiting does not mend; undefined for all others. */
  readonly permanentFault: (error: unknown) => Error | undefined
  readonly onConnected?: () => void
  /** There is no session any more, or still none. May be called again and again. */
  readonly onDisconnected?: (reason: Error) => void
}

const RECONNECT = { baseMs: 100, maxMs: 5000 }
/** An idle session is asked so often whether it is still there: a connection may die without a word. */
const CHECK_IDLE_EVERY_MS = 2000

const ping = { name: 'ping', text: 'select' }

export function createPool(options: PoolOptions): Pool {
  const idle: Session[] = []
  const open = new Set<Session>()
  const borrowers: PromiseWithResolvers<Session>[] = []
  const closing = new AbortController()
  const first = Promise.withResolvers<void>()
  let wasConnected = false
  /** No attempt has failed since there was a session: whoever waits may expect one. */
  let isHopeful = true

  async function keepOpen(): Promise<void> {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      try {
        const session = await options.open()
        attempt = -1
        added(session)
        lost(session, await session.ended)
      } catch (error) {
        failed(error as Error)
        await delay(backoffMs(attempt, RECONNECT), undefined, { signal: closing.signal }).catch(() => {})
      }
    }
  }

  function added(session: Session): void {
    if (closing.signal.aborted) return void session.close()
    open.add(session)
    isHopeful = true
    wasConnected = true
    if (open.size === 1) options.onConnected?.()
    first.resolve()
    giveBack(session)
  }

  function lost(session: Session, reason: Error): void {
    open.delete(session)
    const at = idle.indexOf(session)
    if (at !== -1) idle.splice(at, 1)
    if (open.size === 0 && !closing.signal.aborted) options.onDisconnected?.(reason)
  }

  function failed(reason: Error): void {
    if (open.size > 0) return
    const permanent = options.permanentFault(reason)
    if (!wasConnected && permanent !== undefined) first.reject(permanent)
    isHopeful = false
    for (const { reject } of borrowers.splice(0)) reject(unavailable(reason))
    if (!closing.signal.aborted) options.onDisconnected?.(reason)
  }

  async function borrow(): Promise<Session> {
    const session = idle.pop()
    if (session !== undefined) return session
    if (closing.signal.aborted || (open.size === 0 && !isHopeful)) throw unavailable()
    const borrower = Promise.withResolvers<Session>()
    borrowers.push(borrower)
    return borrower.promise
  }

  function giveBack(session: Session): void {
    if (!session.isOpen) return
    const borrower = borrowers.shift()
    if (borrower === undefined) idle.push(session)
    else borrower.resolve(session)
  }

  async function use<T>(run: (session: Session) => Promise<T>): Promise<T> {
    const session = await borrow()
    try {
      return await run(session)
    } finally {
      giveBack(session)
    }
  }

  async function checkIdle(): Promise<void> {
    await Promise.allSettled(
      idle.splice(0).map(async (session) => {
        try {
          await session.query(ping)
        } finally {
          giveBack(session)
        }
      }),
    )
  }

  return {
    use,
    start() {
      for (let slot = 0; slot < options.size; slot++) void keepOpen()
      const timer = setInterval(checkIdle, CHECK_IDLE_EVERY_MS)
      closing.signal.addEventListener('abort', () => {
        clearInterval(timer)
        first.resolve()
      })
      return first.promise
    },
    get isConnected() {
      return open.size > 0
    },
    get sessions() {
      return open.size
    },
    async close() {
      closing.abort()
      for (const { reject } of borrowers.splice(0)) reject(unavailable())
      await Promise.all([...open].map((session) => session.close()))
    },
  }
}
