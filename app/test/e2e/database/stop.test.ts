import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, becomes } from '../../support/ask.ts'
import { within } from '../../support/deadline.ts'
import { metricsOf } from '../../support/figures.ts'
import { createDatabase, type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { type Service, startListening, startService } from '../../support/service.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const SHUTDOWN_TIMEOUT_MS = 6000
const stopping = { SHUTDOWN_TIMEOUT_MS: String(SHUTDOWN_TIMEOUT_MS) }

let server: DatabaseServer
before(async () => {
  server = await startDatabaseServer()
})
after(() => server[Symbol.asyncDispose]())

async function assertStops(service: Service, withinMs = SHUTDOWN_TIMEOUT_MS): Promise<void> {
  const exit = await within(withinMs, 'the process ends', service.stop())
  assert.deepEqual(
    exit,
    { code: 0, signal: null },
    service.lines.map((line) => JSON.stringify(line)).join('\n'),
  )
}

async function isStopping({ lines }: Service): Promise<void> {
  await waitUntil('it stops', () => lines.some(({ msg }) => msg === 'stopping'), { timeoutMs: 5000 })
}

async function sessions(): Promise<number> {
  const [row] = await server.query(
    `select count(*)::int as count from pg_stat_activity where application_name = 'multi-aws'`,
  )
  return row?.count
}

test('writes in flight at SIGTERM are done and answered, and it leaves no session behind', async () => {
  await using service = await startService({ ...stopping, DATABASE_URL: server.url() })
  server.freeze()
  const ids = Array.from({ length: 100 }, (_, n) => `flight-${n}`)
  const answers = ids.map((id) => ask(service, 'PUT', `/data/${id}`, id))
  const all = async () => (await metricsOf(service)).get('http_requests_in_flight') === ids.length + 1
  await waitUntil('all are in flight', all, { timeoutMs: 5000 })
  const stopped = service.stop()
  await isStopping(service)
  server.thaw()
  for (const { status } of await Promise.all(answers)) assert.equal(status, 201)
  assert.deepEqual(await stopped, { code: 0, signal: null })
  const [row] = await server.query(`select count(*)::int as count from data where id like 'flight-%'`)
  assert.equal(row?.count, ids.length)
  assert.equal(await sessions(), 0)
})

test('under load, whatever was acknowledged before the end is there, and nothing else was answered 2xx', async () => {
  await using service = await startService({ ...stopping, DATABASE_URL: server.url() })
  const acknowledged: string[] = []
  const refused: number[] = []
  let isOver = false
  service.exited.then(() => {
    isOver = true
  })
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let n = 0; !isOver; n++) {
      const id = `load-${client}-${n}`
      // A connection that is refused or closed has told its client nothing.
      const answer = await ask<Problem>(service, 'PUT', `/data/${id}`, n).catch(() => undefined)
      if (answer === undefined) return
      if (answer.status === 201) acknowledged.push(id)
      else refused.push(answer.status)
    }
  })
  await waitUntil('there is load', () => acknowledged.length > 200, { timeoutMs: 10_000 })
  await assertStops(service)
  await Promise.all(clients)
  assert.deepEqual(
    refused.filter((status) => status !== 503),
    [],
  )
  const rows = await server.query(`select id from data where id like 'load-%'`)
  const stored = new Set(rows.map(({ id }) => id))
  assert.deepEqual(
    acknowledged.filter((id) => !stored.has(id)),
    [],
  )
})

suite('while the database is away, it stops in time as well', () => {
  test('when connections are refused', async () => {
    await using proxy = await startTcpProxy(server.port)
    await using service = await startService({ ...stopping, DATABASE_URL: proxy.through(server.url()) })
    proxy.aim(1)
    proxy.cut()
    await becomes(service, 'degraded')
    await assertStops(service, 3000)
  })

  test('when nobody answers: it is not waited for without a request', async () => {
    await using service = await startService({ ...stopping, DATABASE_URL: server.url() })
    server.freeze()
    await assertStops(service, 3000)
    server.thaw()
  })

  test('when nobody answers those who wait: they are told so', async () => {
    await using service = await startService({ ...stopping, DATABASE_URL: server.url() })
    server.freeze()
    const read = ask<Problem>(service, 'GET', '/data/1')
    const write = ask<Problem>(service, 'PUT', '/data/1', 1)
    const both = async () => (await metricsOf(service)).get('http_requests_in_flight') === 3
    await waitUntil('both wait', both, { timeoutMs: 5000 })
    await assertStops(service)
    server.thaw()
    assert.deepEqual([(await read).status, (await read).body.code], [503, 'unavailable'])
    assert.deepEqual([(await write).status, (await write).body.code], [503, 'outcome_unknown'])
  })
})

suite('before it was first ready, it stops at once', () => {
  test('when there is no database, and so no balancer that would have to be waited for', async () => {
    const drain = { DRAIN_DELAY_MS: '20000', SHUTDOWN_TIMEOUT_MS: '25000' }
    await using service = await startListening({ DATABASE_URL: 'postgresql://127.0.0.1:1/none', ...drain })
    const startMs = performance.now()
    assert.deepEqual(await service.stop(), { code: 0, signal: null })
    assert.ok(performance.now() - startMs < 10_000)
  })

  test('when there is no database', async () => {
    await using proxy = await startTcpProxy(1)
    for (const ROLE of ['all', 'api']) {
      await using service = await startListening({ ROLE, DATABASE_URL: proxy.through(server.url()) })
      await waitUntil('it has tried', () => service.lines.some(({ msg }) => msg === 'no database'), {
        timeoutMs: 5000,
      })
      await assertStops(service, 2000)
    }
  })

  test('when nobody answers', async () => {
    await using proxy = await startTcpProxy(server.port)
    proxy.hold('requests', 'answers')
    for (const ROLE of ['all', 'api']) {
      await using service = await startListening({ ROLE, DATABASE_URL: proxy.through(server.url()) })
      await waitUntil('it tries', () => proxy.connections > 0, { timeoutMs: 5000 })
      await assertStops(service, 2000)
      proxy.cut()
    }
  })

  test('when the schema is missing', async () => {
    await using empty = await createDatabase()
    await using service = await startListening({ ROLE: 'api', DATABASE_URL: empty.url })
    await waitUntil('it has seen it', () => service.lines.some(({ msg }) => msg === 'no database'), {
      timeoutMs: 5000,
    })
    await assertStops(service, 2000)
  })
})
