import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { within } from '../../support/deadline.ts'
import { createDatabase } from '../../support/postgres.ts'
import { patient, startStore } from '../../support/postgres-store.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const soon = { timeoutMs: 15_000 }

test('a database that falls silent is found out though nobody asks, and found again', async () => {
  await using database = await createDatabase()
  await using proxy = await startTcpProxy(Number(new URL(database.url).port))
  await using store = await startStore({
    DATABASE_URL: proxy.through(database.url),
    DATABASE_TIMEOUT_MS: '600',
  })
  assert.equal(store.status().state, 'ok')
  proxy.hold('requests', 'answers')
  await waitUntil('it is found out', () => store.status().state === 'unavailable', soon)
  proxy.cut()
  proxy.pass()
  await waitUntil('it is found again', () => store.status().state === 'ok', soon)
})

test('a check that has no answer holds up no request', async () => {
  await using database = await createDatabase()
  await using proxy = await startTcpProxy(Number(new URL(database.url).port))
  await using store = await startStore({
    DATABASE_URL: proxy.through(database.url),
    DATABASE_TIMEOUT_MS: '20000',
  })
  await proxy.sent('ping')
  proxy.hold('answers')
  const isSent = proxy.sent('meanwhile')
  const read = store.get('meanwhile', patient)
  // A test that fails before it looks at the answer should fail for its own reason.
  read.catch(() => {})
  await within(5000, 'the request is sent', isSent)
  proxy.pass()
  assert.equal(await read, undefined)
})
