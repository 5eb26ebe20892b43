import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { backoffMs } from '../domain/backoff.ts'
import { type Consumer, type Delivery, HEARTBEAT_MS, type Judge, type Verdict } from '../ports/queue.ts'
import type { Bell } from './bell.ts'

/** Messages that lie somewhere and are claimed from there for `VISIBILITY_MS`. */
export interface Claims {
  claim(max: number): Promise<readonly Delivery[]>
  /** It is worked on: it stays claimed for as long again. */
  extend(id: string): Promise<void>
  settle(id: string, verdict: Verdict): Promise<void>
}

export interface ClaimsOptions {
  readonly claims: Claims
  /** Rings when there may be a message that was not there before. */
  readonly bell: Bell
  /** Messages of other processes, and those whose time comes, are found after this time. */
  readonly lookEveryMs: number
}

const FAILED = { baseMs: 100, maxMs: 5000 }

/** The consuming side of a queue that is not asked over a network: it looks, and is told when to look. */
export function consumeClaims(options: ClaimsOptions, judge: Judge, concurrency: number): Consumer {
  const { claims, bell, lookEveryMs } = options
  const stopping = new AbortController()
  const working = new Set<Promise<void>>()

  /** What cannot be told now is known when the claim ends: the message is delivered again. */
  async function work(delivery: Delivery): Promise<void> {
    const heartbeat = setInterval(() => claims.extend(delivery.id).catch(() => {}), HEARTBEAT_MS)
    try {
      const verdict = await judge(delivery)
      clearInterval(heartbeat)
      await claims.settle(delivery.id, verdict)
    } catch {
    } finally {
      clearInterval(heartbeat)
    }
  }

  function take(delivery: Delivery): void {
    const job = work(delivery).finally(() => {
      working.delete(job)
      bell.ring()
    })
    working.add(job)
  }

  async function run(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        const free = concurrency - working.size
        if (free > 0) for (const delivery of await claims.claim(free)) take(delivery)
        failures = 0
        // What lies in memory would never let anything else have its turn.
        await turn()
        await bell.wait(lookEveryMs, stopping.signal)
      } catch {
        await delay(backoffMs(failures++, FAILED), undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
      await Promise.all(working)
    },
  }
}
