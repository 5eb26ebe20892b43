import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Registry } from 'prom-client'
import { waitUntil } from '../../../local/wait.ts'
import type { PostgresStore } from '../../src/adapters/postgres/postgres-store.ts'
import type { Message } from '../../src/ports/queue.ts'
import { createSender } from '../../src/worker/sender.ts'
import { createDatabase, type Database } from '../support/postgres.ts'
import { startPostgresData } from '../support/postgres-store.ts'

const soon = { timeoutMs: 12_000 }

let database: Database
let data: PostgresStore
before(async () => {
  database = await createDatabase()
  data = await startPostgresData({ DATABASE_URL: database.url })
})
after(async () => {
  await data.store.close()
  await database[Symbol.asyncDispose]()
})

/** Commits messages as an import does. */
const commit = (...bodies: readonly string[]) =>
  data.queue.send(bodies.map((body) => ({ type: 'kind', body })))

async function left(): Promise<number> {
  const [row] = await database.query('select count(*) as messages from messages')
  return Number(row?.messages)
}

/** A sender to a queue that does with each batch what `take` does. */
function sending(take: (messages: readonly Message[], batch: number) => Promise<void>) {
  const batches: string[][] = []
  const registry = new Registry()
  const sender = createSender(
    data.outbox,
    {
      async send(messages) {
        batches.push(messages.map(({ body }) => body))
        await take(messages, batches.length)
      },
    },
    registry,
  )
  sender.start()
  return {
    batches,
    registry,
    empty: () => waitUntil('the outbox is empty', async () => (await left()) === 0, soon),
    [Symbol.asyncDispose]: () => sender.stop(),
  }
}

test('committed messages are sent in batches, and forgotten when the queue has taken them', async () => {
  const { promise: taken, resolve: take } = Promise.withResolvers<void>()
  await using sender = sending(async (_messages, batch) => {
    if (batch === 1) await taken
  })
  await commit(...Array.from({ length: 25 }, (_, n) => String(n)))
  await waitUntil('the first batch is on its way', async () => sender.batches.length === 1, soon)
  assert.equal(await left(), 25)
  take()
  await sender.empty()
  const sizes = sender.batches.map(({ length }) => length)
  assert.ok(Math.max(...sizes) === 10 && sizes.length <= 5, `batches of ${sizes}`)
  const bodies = sender.batches.flat().map(Number)
  assert.deepEqual(
    bodies.toSorted((a, b) => a - b),
    [...bodies.keys()],
  )
})

test('what the queue has not taken is sent again, less and less often, until it has', async () => {
  let isAway = true
  await using sender = sending(async () => {
    if (isAway) throw new Error('away')
  })
  await commit('away')
  // One process asks a queue that is away about so often in the first 3 s: 0.2, 0.4, 0.8 and 1.6 s apart at the most.
  const startMs = performance.now()
  await waitUntil('some time has passed', async () => performance.now() - startMs > 3000, soon)
  assert.ok(sender.batches.length >= 1 && sender.batches.length < 20, `${sender.batches.length} attempts`)
  assert.equal(await left(), 1)
  isAway = false
  await sender.empty()
  assert.deepEqual(new Set(sender.batches.flat()), new Set(['away']))
})

test('what a process has on its way when it dies or stands still is sent by another one', async () => {
  const { promise: never, resolve: thaw } = Promise.withResolvers<void>()
  await using frozen = sending(() => never)
  await commit('frozen')
  await waitUntil('it is on its way', async () => frozen.batches.length === 1, soon)
  await using other = sending(async () => {})
  await commit('other')
  await other.empty()
  assert.deepEqual(other.batches.flat().toSorted(), ['frozen', 'other'])
  thaw()
})

test('what waits, and since when, is measured', async () => {
  await using sender = sending(async () => {
    throw new Error('away')
  })
  await commit('waiting')
  const value = async (name: string) =>
    (await sender.registry.getSingleMetric(name)?.get())?.values[0]?.value ?? 0
  await waitUntil('one waits', async () => (await value('outbox_messages')) === 1, soon)
  await waitUntil('for some time', async () => (await value('outbox_oldest_message_age_seconds')) > 1, soon)
  await database.query('delete from messages')
})
