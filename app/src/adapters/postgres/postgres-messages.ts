import type { Outbox } from '../../ports/outbox.ts'
import { type DeadLetter, type Delivery, type Message, type Queue, VISIBILITY_MS } from '../../ports/queue.ts'
import { createBell } from '../bell.ts'
import { type Claims, consumeClaims } from '../claims.ts'
import { unavailable } from './faults.ts'
import type { Pool } from './pool.ts'
import type { Row } from './session.ts'
import { type Statement, statement } from './statements.ts'
import { bigintArray, textArray } from './text-array.ts'

const add = {
  name: 'message-add',
  text: 'insert into messages (type, body, traceparent) select * from unnest($1::text[], $2::text[], $3::text[])',
}
const remove = { name: 'message-remove', text: 'delete from messages where seq = any($1::bigint[])' }
const bury = { name: 'message-bury', text: 'update messages set dead_reason = $2 where seq = $1' }
const renew = {
  name: 'message-renew',
  text: 'update messages set receives = 0, visible_at = clock_timestamp() where seq = $1',
}
const claim = statement('message-claim')
const hide = statement('message-hide')
const backlog = statement('message-backlog')
const dead = statement('message-dead')
const giveBack = statement('message-give-back')

/** Messages of other processes, and those whose time comes, are found after this time. */
const LOOK_EVERY_MS = 500

/** The table of messages: a queue by itself, or the outbox of another one. */
export interface PostgresMessages {
  readonly queue: Queue
  readonly outbox: Outbox
  /** This process has committed one. */
  committed(): void
}

export function createPostgresMessages(pool: Pool, attemptsMax: number): PostgresMessages {
  const bell = createBell()

  async function run(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await pool.use((session) => session.query(statement, values))
    } catch (fault) {
      throw unavailable(fault)
    }
  }

  const claims: Claims = {
    async claim(max) {
      const rows = await run(claim, [max, VISIBILITY_MS, 1])
      return rows.map((row): Delivery => {
        const [seq, , , , attempt] = row as [number, string, string, string | null, number]
        return { id: String(seq), message: messageOf(row), attempt, attemptsMax }
      })
    },
    async extend(id) {
      await run(hide, [id, VISIBILITY_MS])
    },
    async settle(id, verdict) {
      if (verdict.outcome === 'done') await run(remove, [bigintArray([Number(id)])])
      else if (verdict.outcome === 'again') await run(renew, [id])
      else if (verdict.outcome === 'later') await run(hide, [id, verdict.delayMs])
      else await run(bury, [id, verdict.reason])
    },
  }

  const queue: Queue = {
    async send(messages) {
      await run(add, [
        textArray(messages.map(({ type }) => type)),
        textArray(messages.map(({ body }) => body)),
        textArray(messages.map(({ traceparent }) => traceparent ?? null)),
      ])
      bell.ring()
    },
    consume: (judge, concurrency) =>
      consumeClaims({ claims, bell, lookEveryMs: LOOK_EVERY_MS }, judge, concurrency),
    deadLetters: {
      async list(max) {
        const rows = await run(dead, [max])
        return rows.map(deadLetterOf)
      },
      async giveBack(ids) {
        const rows = await run(giveBack, [ids === 'all' ? null : ids.filter((id) => /^\d{1,15}$/.test(id))])
        bell.ring()
        return rows.length
      },
    },
    status: () => ({ state: pool.isConnected ? 'ok' : 'unavailable', latencyMs: null }),
    start() {},
    close() {},
  }

  return {
    queue,
    outbox: {
      async claim(max, leaseMs) {
        const rows = await run(claim, [max, leaseMs, 0])
        return rows.map((row) => ({ id: String(row[0]), message: messageOf(row) }))
      },
      async forget(ids) {
        await run(remove, [bigintArray(ids.map(Number))])
      },
      news: bell.wait,
      async backlog() {
        const [row] = await run(backlog)
        const [messages, oldestMs] = row as [number, number]
        return { messages, oldestMs }
      },
    },
    committed: bell.ring,
  }
}

function messageOf([, type, body, traceparent]: Row): Message {
  return { type: String(type), body: String(body), traceparent: (traceparent as string | null) ?? undefined }
}

function deadLetterOf(row: Row): DeadLetter {
  const [seq, , , , reason, attempts, sentAtMs] = row as [
    number,
    string,
    string,
    string | null,
    string,
    number,
    number,
  ]
  return { id: String(seq), message: messageOf(row), reason, attempts, sentAtMs }
}
