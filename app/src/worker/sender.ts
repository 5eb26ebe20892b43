import { setTimeout as delay } from 'node:timers/promises'
import { Gauge } from 'prom-client'
import { backoffMs } from '../domain/backoff.ts'
import type { Metrics } from '../metrics.ts'
import type { Outbox } from '../ports/outbox.ts'
import { type Queue, SEND_MAX } from '../ports/queue.ts'

/** Sends committed messages to the queue, whichever process has committed them, until the queue has taken them. */
export interface Sender {
  start(): void
  /** Resolves when the batch under way has been sent, or has failed. */
  stop(): Promise<void>
}

/** Messages that a process left behind when it died are found after this time. */
const LOOK_EVERY_MS = 2500
/** A batch stays with one process for so long: more than sending takes, so that none is sent twice as a rule. */
const LEASE_MS = 5000
const FAILED = { baseMs: 200, maxMs: 5000 }

export function createSender(outbox: Outbox, queue: Pick<Queue, 'send'>, registry: Metrics): Sender {
  const stopping = new AbortController()
  let backlog = { messages: 0, oldestMs: 0 }
  let running: Promise<void> | undefined
  new Gauge({
    name: 'outbox_messages',
    help: 'Committed messages that the queue has not taken yet.',
    registers: [registry],
    collect() {
      this.set(backlog.messages)
    },
  })
  new Gauge({
    name: 'outbox_oldest_message_age_seconds',
    help: 'How long the oldest of them has waited.',
    registers: [registry],
    collect() {
      this.set(backlog.oldestMs / 1000)
    },
  })

  /** Forgotten only when the queue has acknowledged them: who dies in between has sent them, and they are sent again. */
  async function sendBatch(): Promise<number> {
    const entries = await outbox.claim(SEND_MAX, LEASE_MS)
    if (entries.length === 0) return 0
    await queue.send(entries.map(({ message }) => message))
    await outbox.forget(entries.map(({ id }) => id))
    return entries.length
  }

  async function run(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      // Both the store and the queue tell of their being away.
      const sent = await sendBatch().catch(() => undefined)
      failures = sent === undefined ? failures + 1 : 0
      if (sent === SEND_MAX) continue
      backlog = await outbox.backlog().catch(() => backlog)
      if (sent !== undefined) await outbox.news(LOOK_EVERY_MS, stopping.signal)
      else
        await delay(backoffMs(failures - 1, FAILED), undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  return {
    start() {
      running = run()
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
