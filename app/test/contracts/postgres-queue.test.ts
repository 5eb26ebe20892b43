import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { waitUntil } from '../../../local/wait.ts'
import { createDatabase } from '../support/postgres.ts'
import { startPostgresData } from '../support/postgres-store.ts'
import { ATTEMPTS_MAX, queueContract } from './queue-contract.ts'

async function start() {
  const database = await createDatabase()
  const environment = { DATABASE_URL: database.url, QUEUE_RECEIVES_MAX: String(ATTEMPTS_MAX) }
  const { store, queue } = await startPostgresData(environment)
  return {
    database,
    queue,
    async stop() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

queueContract('postgres', async () => start)

test('a message that another process is taking is neither taken nor waited for', async () => {
  const { database, queue, stop } = await start()
  await queue.send(['taken', 'free'].map((body) => ({ type: 'kind', body })))
  const other = new pg.Client({ connectionString: database.url })
  await other.connect()
  await other.query('begin')
  await other.query(`select from messages where body = 'taken' for update`)
  const bodies: string[] = []
  const consumer = queue.consume(async ({ message }) => {
    bodies.push(message.body)
    return { outcome: 'done' }
  }, 2)
  const received = (count: number) =>
    waitUntil(`${count} are received`, () => bodies.length === count, { timeoutMs: 5000 })
  try {
    await received(1)
    await other.query('rollback')
    await received(2)
    assert.deepEqual(bodies, ['free', 'taken'])
  } finally {
    await other.end()
    await consumer.stop()
    await stop()
  }
})
