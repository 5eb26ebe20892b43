import { randomUUID } from 'node:crypto'
import type { Clock } from '../../ports/clock.ts'
import {
  type DeadLetter,
  type Delivery,
  type Message,
  type Queue,
  type Verdict,
  VISIBILITY_MS,
} from '../../ports/queue.ts'
import { createBell } from '../bell.ts'
import { consumeClaims } from '../claims.ts'

export interface MemoryQueueOptions {
  readonly clock: Clock
  readonly attemptsMax: number
}

interface Kept {
  readonly message: Message
  readonly sentAtMs: number
  visibleAtMs: number
  attempts: number
  /** Why it was put aside. */
  reason: string | undefined
}

const LOOK_EVERY_MS = 100

/** The queue port in one process's memory, and the readable specification of it. */
export function createMemoryQueue({ clock, attemptsMax }: MemoryQueueOptions): Queue {
  const messages = new Map<string, Kept>()
  const bell = createBell()

  function hide(id: string, ms: number): void {
    const kept = messages.get(id)
    if (kept !== undefined) kept.visibleAtMs = clock.nowMs() + ms
  }

  function claim(max: number): Delivery[] {
    const nowMs = clock.nowMs()
    const due = [...messages].filter(([, kept]) => kept.reason === undefined && kept.visibleAtMs <= nowMs)
    return due.slice(0, max).map(([id, kept]) => {
      kept.attempts++
      kept.visibleAtMs = nowMs + VISIBILITY_MS
      return { id, message: kept.message, attempt: kept.attempts, attemptsMax }
    })
  }

  function settle(id: string, verdict: Verdict): void {
    const kept = messages.get(id)
    if (kept === undefined) return
    if (verdict.outcome === 'done') messages.delete(id)
    else if (verdict.outcome === 'later') hide(id, verdict.delayMs)
    else if (verdict.outcome === 'again') Object.assign(kept, { attempts: 0, visibleAtMs: clock.nowMs() })
    else kept.reason = verdict.reason
  }

  const claims = {
    claim: async (max: number) => claim(max),
    extend: async (id: string) => hide(id, VISIBILITY_MS),
    settle: async (id: string, verdict: Verdict) => settle(id, verdict),
  }

  function dead(): [string, Kept][] {
    return [...messages].filter(([, { reason }]) => reason !== undefined)
  }

  return {
    async send(sent) {
      const sentAtMs = clock.nowMs()
      for (const message of sent) {
        const kept = { message, sentAtMs, visibleAtMs: sentAtMs, attempts: 0, reason: undefined }
        messages.set(randomUUID(), kept)
      }
      bell.ring()
    },

    consume: (judge, concurrency) =>
      consumeClaims({ claims, bell, lookEveryMs: LOOK_EVERY_MS }, judge, concurrency),

    deadLetters: {
      async list(max) {
        const letters = dead().map(([id, kept]): DeadLetter => ({ id, ...kept }))
        return letters.slice(0, max)
      },
      async giveBack(ids) {
        const given = dead().filter(([id]) => ids === 'all' || ids.includes(id))
        for (const [, kept] of given) {
          Object.assign(kept, { reason: undefined, attempts: 0, visibleAtMs: clock.nowMs() })
        }
        bell.ring()
        return given.length
      },
    },

    status: () => ({ state: 'ok', latencyMs: 0 }),
    start() {},
    close() {},
  }
}
