import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import { readMigrations } from '../../../src/adapters/postgres/migrations.ts'
import { ask, type Health, healthOf, serves } from '../../support/ask.ts'
import { startDatabaseServer } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { type ListeningService, runService, startListening } from '../../support/service.ts'

/** How late the database is: `DATABASE_LATE_MS=60000 npm test -- app/test/e2e/database/start-order.test.ts`. */
const LATE_MS = Number(process.env.DATABASE_LATE_MS ?? 4000)
/** The longest pause between two attempts, an attempt, and the work of a start. */
const READY_MS_MAX = 5000 + 2000 + 3000
/** The first words, and then every 30 s of each of a few reasons. */
const LINES_MAX = 6 + 3 * Math.ceil(LATE_MS / 30_000)

async function assertStarting(service: ListeningService): Promise<void> {
  for (const path of ['/health', '/health/ready']) {
    const { status, body } = await ask<Health>(service, 'GET', path)
    assert.deepEqual([status, body.status], [503, 'starting'])
  }
  assert.equal((await ask(service, 'GET', '/health/live')).status, 200)
  const { status, body, retryAfter, tookMs } = await ask<Problem>(service, 'GET', '/data/1')
  assert.deepEqual([status, body.code, retryAfter], [503, 'unavailable', '1'])
  assert.ok(tookMs < 1000, `${tookMs} ms`)
}

function assertQuiet({ lines }: ListeningService): void {
  const said = lines.map((line) => JSON.stringify(line)).join('\n')
  assert.ok(lines.length <= LINES_MAX, `${lines.length} lines:\n${said}`)
  assert.ok(
    lines.every(({ level }) => level === 'info' || level === 'warn'),
    said,
  )
}

test(`processes that start together ${LATE_MS} ms before their database listen at once, become ready with it, and log little`, async (t) => {
  await using server = await startDatabaseServer()
  await server.stop()
  const environment = { DATABASE_URL: server.url(), SEED_DATA: 'true' }
  await using cleanup = new AsyncDisposableStack()
  const services = await Promise.all(
    ['all', 'all', 'api', 'api', 'api'].map(async (ROLE) =>
      cleanup.use(await startListening({ ...environment, ROLE })),
    ),
  )
  await delay(LATE_MS / 2)
  await Promise.all(services.map(assertStarting))
  await delay(LATE_MS / 2)
  await server.start()
  const startMs = performance.now()
  const tookMs = await Promise.all(
    services.map(async (service) => {
      await service.ready({ timeoutMs: READY_MS_MAX })
      return Math.round(performance.now() - startMs)
    }),
  )
  t.diagnostic(
    `ready ${tookMs.join(', ')} ms after the database; ${services.map(({ lines }) => lines.length).join(', ')} lines`,
  )
  for (const service of services) {
    await serves(service)
    assert.equal((await ask(service, 'GET', '/data/1')).status, 200)
    assertQuiet(service)
  }
  const [row] = await server.query(
    `select count(*)::int as seeds, max(version)::int as version from data where id ~ '^\\d+$'`,
  )
  assert.deepEqual([row?.seeds, row?.version], [10, 1], 'seeded more than once')
})

suite('in whatever order they come', { concurrency: true }, () => {
  test('the schema last: an API process says what is missing, and is ready once it is there', async () => {
    await using server = await startDatabaseServer()
    await using service = await startListening({ ROLE: 'api', DATABASE_URL: server.url() })
    const detail = async () => (await healthOf(service)).dependencies.store.detail
    const isMissing = `the schema is at version 0 and has to be at ${readMigrations().length}: run ROLE=migrate`
    await waitUntil('it says what is missing', async () => (await detail()) === isMissing, {
      timeoutMs: 5000,
    })
    await assertStarting(service)
    const { code } = await runService({ ROLE: 'migrate', DATABASE_URL: server.url() })
    assert.equal(code, 0)
    await service.ready({ timeoutMs: READY_MS_MAX })
    await serves(service)
    assert.equal(await detail(), undefined)
    assertQuiet(service)
  })

  test('a database that goes away in the middle of the start', async () => {
    await using server = await startDatabaseServer()
    for (const ROLE of ['all', 'api']) {
      await using service = await startListening({ ROLE, DATABASE_URL: server.url(), SEED_DATA: 'true' })
      await server.crash()
      await server.start()
      await service.ready({ timeoutMs: READY_MS_MAX })
      await serves(service)
      assertQuiet(service)
    }
  })

  test('a migration waits for its database, for as long as it may', async () => {
    await using server = await startDatabaseServer()
    await server.stop()
    const migration = runService({ ROLE: 'migrate', DATABASE_URL: server.url() })
    const vain = await runService({ ROLE: 'migrate', DATABASE_URL: server.url(), MIGRATE_TIMEOUT_MS: '1000' })
    assert.equal(vain.code, 78)
    assert.match(vain.stderr, /^The database could not be reached in time: start it, or correct DATABASE_URL/)
    await server.start()
    assert.equal((await migration).code, 0)
  })

  test('what is answered while it starts leaks nothing of where the database is and who asks it', async () => {
    await using service = await startListening({
      DATABASE_URL: 'postgres://secret-user:secret-password@127.0.0.1:1/secret-name',
    })
    const detail = async () => (await healthOf(service)).dependencies.store.detail
    await waitUntil('it says something', async () => (await detail()) !== undefined, { timeoutMs: 5000 })
    for (const path of ['/health', '/health/ready', '/data/1', '/changes', '/metrics', '/']) {
      const text = await (await fetch(service.url + path)).text()
      assert.doesNotMatch(text, /secret|127\.0\.0\.1|ECONNREFUSED/)
    }
    assert.ok(!JSON.stringify(service.lines).includes('secret'))
  })
})
