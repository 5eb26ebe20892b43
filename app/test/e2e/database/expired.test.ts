import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, becomes, serves } from '../../support/ask.ts'
import { metricsOf, residentMib } from '../../support/figures.ts'
import { type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { type Service, startService } from '../../support/service.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const ANSWER_TIMEOUT_MS = 1000
const soon = { timeoutMs: 30_000 }

let server: DatabaseServer
before(async () => {
  server = await startDatabaseServer()
})
after(() => server[Symbol.asyncDispose]())

/** A connection that is given up only after the test: what waits does so behind a database that stands still. */
const start = (more: Readonly<Record<string, string>> = {}) =>
  startService({
    DATABASE_URL: server.url(),
    DATABASE_TIMEOUT_MS: '60000',
    ANSWER_TIMEOUT_MS: String(ANSWER_TIMEOUT_MS),
    ...more,
  })

async function inFlight(service: Service): Promise<number> {
  // The request that asks is one of them.
  return ((await metricsOf(service)).get('http_requests_in_flight') ?? Number.NaN) - 1
}

async function areInFlight(service: Service, count: number): Promise<void> {
  await waitUntil(`${count} in flight`, async () => (await inFlight(service)) === count, soon)
}

async function idsLike(prefix: string): Promise<string[]> {
  const rows = await server.query('select id from data where id like $1 order by id', [`${prefix}%`])
  return rows.map(({ id }) => id)
}

const names = (what: string, count: number) => Array.from({ length: count }, (_, n) => `${what}-${n}`)

test('what has expired, or whose client has left, never reaches the database', async () => {
  await using service = await start()
  await serves(service)
  server.freeze()
  const write = (id: string, signal?: AbortSignal) =>
    ask<Problem>(service, 'PUT', `/data/w-${id}`, id, signal)
  // These are sent, as far as there are connections to send them on: those that are idle are tried now and then.
  const sent = []
  for (const [index, id] of names('sent', 2).entries()) {
    sent.push(write(id))
    await areInFlight(service, index + 1)
  }
  const leave = new AbortController()
  const left = Promise.allSettled(names('left', 10).map((id) => write(id, leave.signal)))
  await areInFlight(service, 12)
  leave.abort()
  await left
  // Whoever leaves gives the place back at once, not only when the database answers.
  await areInFlight(service, 2)
  const expired = names('expired', 10).map((id) => write(id))
  const batch = ask<Problem>(service, 'POST', '/batch', {
    operations: [{ op: 'put', id: 'w-batch', value: 1 }],
  })
  await areInFlight(service, 13)
  await delay(ANSWER_TIMEOUT_MS)
  const fresh = names('fresh', 10).map((id) => write(id))
  await areInFlight(service, 23)
  server.thaw()

  // What was not sent expires, and on a busy machine so does what is fresh, before the database has woken up.
  const answers = await Promise.all([...sent, ...fresh])
  for (const { status } of answers) assert.ok(status === 201 || status === 503, `${status}`)
  for (const { status, body, retryAfter } of await Promise.all(expired)) {
    assert.deepEqual([status, body.code, retryAfter], [503, 'unavailable', '1'])
  }
  await serves(service)
  const stored = await idsLike('w-')
  const wanted = [...names('w-sent', 2), ...names('w-fresh', 10)].filter((_, n) => answers[n]?.status === 201)
  // The batch was the first of its kind, so that it was sent; its kind has lanes of its own.
  if ((await batch).status === 200) wanted.push('w-batch')
  assert.deepEqual(stored, wanted.toSorted())
})

test('a write that waits for a row is not done once its client has left', async () => {
  await using service = await start({ ANSWER_TIMEOUT_MS: '60000' })
  assert.equal((await ask(service, 'PUT', '/data/row', 'before')).status, 201)
  const other = new pg.Client({ connectionString: server.url() })
  await other.connect()
  await other.query('begin')
  await other.query(`select from data where id = 'row' for update`)
  const leave = new AbortController()
  const write = ask(service, 'PUT', '/data/row', 'after', leave.signal).catch(() => 'left')
  const waits = async () => {
    const rows = await server.query(
      `select from pg_stat_activity where application_name = 'multi-aws' and wait_event_type = 'Lock'`,
    )
    return rows.length > 0
  }
  await waitUntil('the write waits for the row', waits, soon)
  leave.abort()
  assert.equal(await write, 'left')
  await areInFlight(service, 0)
  const attempts = async () => (await metricsOf(service)).get('database_batch_rows_count{kind="write"}') ?? 0
  const attemptsBefore = await attempts()
  // It waits until nothing of the write before it, which is for the same row, goes to the database any more.
  const next = ask<{ value: string; version: number }>(service, 'PUT', '/data/row', 'next')
  // At most one attempt was under way when the client left: the second is another's.
  const isTried = async () => (await attempts()) >= attemptsBefore + 2
  await waitUntil('the next write waits for the row', isTried, soon)
  await other.query('commit')
  await other.end()
  const { body } = await next
  assert.deepEqual([body.value, body.version], ['next', 2])
})

test('a client that leaves while the database is asked keeps no place at the change feed', async () => {
  await using proxy = await startTcpProxy(Number(new URL(server.url()).port))
  await using service = await start({ DATABASE_URL: proxy.through(server.url()), STREAMS_MAX: '1' })
  await serves(service)
  const { next } = (await ask<{ next: string }>(service, 'GET', '/changes?limit=1000')).body
  const asked = proxy.sent('feed-page')
  const leave = new AbortController()
  const waits = ask(service, 'GET', `/changes?after=${next}&wait=55`, undefined, leave.signal)
  await asked
  proxy.hold('answers')
  await areInFlight(service, 1)
  leave.abort()
  await assert.rejects(waits)
  await areInFlight(service, 0)
  proxy.pass()
  // Reads are made one after the other: the first is over now.
  assert.equal((await ask(service, 'GET', `/changes?after=${next}`)).status, 200)
  assert.equal((await ask(service, 'GET', `/changes?after=${next}&wait=0.1`)).status, 200)
})

test('while the database stands still, no more wait than may, the others get 503 at once, and memory is bounded', async (t) => {
  const [requestsMax, clients, bodyKib] = [100, 400, 200]
  await using service = await start({
    LINE_REQUESTS_MAX: String(requestsMax),
    LINE_BYTES_MAX: String(16 * 1024 * 1024),
    LINE_AGE_MAX_MS: '60000',
    ANSWER_TIMEOUT_MS: '60000',
  })
  await serves(service)
  const atRestMib = await residentMib(service)
  server.freeze()
  const value = 'x'.repeat(bodyKib * 1024)
  const refused: { code: string; tookMs: number }[] = []
  const asked = names('m', clients).map(async (id) => {
    const { status, body, retryAfter, tookMs } = await ask<Problem>(service, 'PUT', `/data/${id}`, value)
    if (status < 300) return id
    assert.deepEqual([status, retryAfter], [503, '1'])
    refused.push({ code: body.code, tookMs })
    return undefined
  })
  const answers = Promise.all(asked)
  // A test that fails before it looks at the answers should fail for its own reason.
  answers.catch(() => {})
  // What is left waits for the database. 16 MiB have room for 80 of these bodies.
  const waiting = async () =>
    refused.length >= clients - requestsMax && (await inFlight(service)) <= requestsMax
  await waitUntil('the others have been refused', waiting, soon)
  for (const { code, tookMs } of refused) {
    assert.equal(code, 'overloaded')
    // Who waits does so for a minute; on a busy machine the bodies alone take seconds.
    assert.ok(tookMs < 20_000, `${tookMs} ms`)
  }
  const fullMib = await residentMib(service)
  t.diagnostic(`${Math.round(atRestMib)} MiB at rest, ${Math.round(fullMib)} MiB when full`)
  assert.ok(
    fullMib - atRestMib < 180,
    `${Math.round(atRestMib)} MiB at rest, ${Math.round(fullMib)} MiB when full`,
  )
  for (const path of ['/health', '/health/live', '/health/ready']) {
    const { status, tookMs } = await ask(service, 'GET', path)
    assert.equal(status, 200)
    assert.ok(tookMs < 5000, `${path} took ${tookMs} ms`)
  }

  server.thaw()
  const stored = (await answers).filter((id) => id !== undefined)
  assert.ok(stored.length > 0 && stored.length <= requestsMax)
  await becomes(service, 'ok')
  assert.deepEqual(await idsLike('m-'), stored.toSorted())
})
