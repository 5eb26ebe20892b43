import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../../domain/backoff.ts'
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
  /** The database is there: attempts that wait for their time are made now. */
  hurry(): void
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
/** A session that ends earlier than this has not been a success. */
const BRIEF_MS = 1000
/** An idle session is asked so often whether it is still there: a connection may die without a word. */
const CHECK_IDLE_EVERY_MS = 2000

const ping = { name: 'ping', text: 'select' }

export function createPool(options: PoolOptions): Pool {
  const idle: Session[] = []
  const open = new Set<Session>()
  const borrowers: PromiseWithResolvers<Session>[] = []
  const closing = new AbortController()
  /** The pauses after failed attempts. */
  let pauses = new AbortController()
  const first = Promise.withResolvers<void>()
  let wasConnected = false
  /** No attempt has failed since the start, or since there was a session: whoever waits may expect one. */
  let isHopeful = false

  /** One of the sessions. What fails at once, be it that a session ends as soon as it is open, is tried less and less. */
  async function keepOpen(): Promise<void> {
    for (let failures = 0, briefSessions = 0; !closing.signal.aborted; ) {
      try {
        const session = await options.open()
        const openMs = performance.now()
        failures = 0
        added(session)
        lost(session, await session.ended)
        briefSessions = performance.now() - openMs < BRIEF_MS ? briefSessions + 1 : 0
        await pause(briefSessions, closing.signal)
      } catch (error) {
        failed(error as Error)
        await pause(failures++, AbortSignal.any([closing.signal, pauses.signal]))
      }
    }
  }

  async function pause(attempt: number, end: AbortSignal): Promise<void> {
    await delay(backoffMs(attempt, RECONNECT), undefined, { signal: end }).catch(() => {})
  }

  /** One attempt of this process finds the database; then all of its sessions follow. */
  function hurry(): void {
    pauses.abort()
    pauses = new AbortController()
  }

  function added(session: Session): void {
    if (closing.signal.aborted) return void session.close()
    open.add(session)
    isHopeful = true
    wasConnected = true
    if (open.size === 1) {
      hurry()
      options.onConnected?.()
    }
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

  /** One after the other, so that an answer that does not come holds up no request; once one is lost, all of them. */
  async function isThere(session: Session): Promise<boolean> {
    try {
      await session.query(ping)
      return true
    } catch {
      return false
    } finally {
      giveBack(session)
    }
  }

  /** One after the other, so that an answer that does not come holds up no request; once one is lost, all of them. */
  async function checkIdle(): Promise<void> {
    for (let left = idle.length; left > 0; left--) {
      const session = idle.shift()
      if (session === undefined) return
      if (!(await isThere(session))) return void (await Promise.all(idle.splice(0).map(isThere)))
    }
  }

  return {
    use,
    hurry,
    start() {
      isHopeful = true
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
