import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, assertDegraded, becomes, healthOf, serves } from '../../support/ask.ts'
import { openEventStream } from '../../support/event-stream.ts'
import { metricsOf } from '../../support/figures.ts'
import { type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { type Service, startService } from '../../support/service.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

/** Short, so that a server that does not answer is given up soon. */
const DATABASE_TIMEOUT_MS = 600
const quick = { DATABASE_TIMEOUT_MS: String(DATABASE_TIMEOUT_MS) }
/** A session dies unanswered, and so does the attempt to open another one. */
const GIVEN_UP_MS_MAX = 2 * DATABASE_TIMEOUT_MS + 1500

let server: DatabaseServer
before(async () => {
  server = await startDatabaseServer()
})
after(() => server[Symbol.asyncDispose]())

async function put(service: Service, id: string): Promise<void> {
  assert.equal((await ask(service, 'PUT', `/data/${id}`, id)).status, 201)
}

async function isStored(service: Service, id: string): Promise<boolean> {
  return (await ask(service, 'GET', `/data/${id}`)).status === 200
}

/** Lines that tell of the outage; a log that is flooded hides what matters. */
async function saysLittle({ lines }: Service): Promise<void> {
  const isOver = () => lines.some(({ msg }) => msg === 'database reached')
  await waitUntil('the log says that it is over', isOver, { timeoutMs: 5000 })
  const outage = lines.filter(({ level }) => level !== 'info')
  assert.ok(outage.length > 0, 'the log does not tell of it')
  assert.ok(
    outage.length <= 6,
    `${outage.length} lines:\n${outage.map((line) => JSON.stringify(line)).join('\n')}`,
  )
  assert.ok(lines.every(({ level }) => level !== 'error' && level !== 'fatal'))
}

for (const how of ['is stopped', 'crashes'] as const) {
  test(`a database that ${how}: 503 at once, and after its start all is as it was, for the feed's readers too`, async () => {
    await using service = await startService({ DATABASE_URL: server.url() })
    const [first, second] = [`${how[0]}-1`, `${how[0]}-2`]
    using stream = await openEventStream(service)
    await put(service, first)
    await stream.has(first)
    const { next } = (await ask<{ next: string }>(service, 'GET', '/changes?limit=1000')).body
    const poll = ask<{ changes: { id: string }[] }>(service, 'GET', `/changes?after=${next}&wait=30`)
    const waiting = async () => (await metricsOf(service)).get('http_requests_in_flight') === 3
    await waitUntil('the poll waits', waiting, { timeoutMs: 5000 })

    if (how === 'crashes') await server.crash()
    else await server.stop()
    await becomes(service, 'degraded')
    await assertDegraded(service)
    // Long enough for several attempts to reconnect, each of which fails.
    await delay(500)
    await assertDegraded(service)
    await server.start()
    await becomes(service, 'ok')
    await serves(service)

    assert.ok(await isStored(service, first), 'an acknowledged write is lost')
    await put(service, second)
    await stream.has(second)
    assert.equal(stream.end, undefined)
    const positions = stream.changes.map(({ position }) => position)
    assert.deepEqual(
      positions,
      positions.map((_, n) => n + 1),
      'not every change once and in order',
    )
    const polled = await poll
    assert.ok(polled.status === 200 || polled.status === 503, String(polled.status))
    await saysLittle(service)
  })
}

suite('a database that is there and does not answer', { concurrency: true }, () => {
  for (const { what, silence } of [
    { what: 'whose network loses everything', silence: 'both' },
    { what: 'whose answers are lost', silence: 'answers' },
  ] as const) {
    test(`${what}: reads get 503 in time, then at once, and it comes back`, async () => {
      await using proxy = await startTcpProxy(server.port)
      await using service = await startService({ ...quick, DATABASE_URL: proxy.through(server.url()) })
      await put(service, `silent-${silence}`)
      if (silence === 'both') proxy.hold('requests', 'answers')
      else proxy.hold('answers')

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => ask<Problem>(service, 'GET', `/data/${n}`)),
      )
      for (const { status, body, tookMs } of answers) {
        assert.equal(status, 503)
        assert.equal(body.code, 'unavailable')
        assert.ok(tookMs < GIVEN_UP_MS_MAX, `${tookMs} ms`)
      }
      await becomes(service, 'degraded')
      await waitUntil('it answers at once', async () => (await ask(service, 'GET', '/data/1')).tookMs < 100, {
        timeoutMs: 5000,
      })
      await assertDegraded(service)

      proxy.cut()
      proxy.pass()
      await becomes(service, 'ok')
      await serves(service)
      assert.ok(await isStored(service, `silent-${silence}`))
      await saysLittle(service)
    })
  }

  test('while nobody asks: it is found out all the same', async () => {
    await using proxy = await startTcpProxy(server.port)
    await using service = await startService({ ...quick, DATABASE_URL: proxy.through(server.url()) })
    proxy.hold('requests', 'answers')
    await becomes(service, 'degraded')
    proxy.cut()
    proxy.pass()
    await becomes(service, 'ok')
  })

  test('and is only slow: everything is answered, and health says how slow it is', async () => {
    await using proxy = await startTcpProxy(server.port)
    await using service = await startService({ ...quick, DATABASE_URL: proxy.through(server.url()) })
    proxy.pass({ delayMs: 100 })
    const ids = Array.from({ length: 50 }, (_, n) => `slow-${n}`)
    await Promise.all(ids.map((id) => put(service, id)))
    assert.deepEqual(new Set(await Promise.all(ids.map((id) => isStored(service, id)))), new Set([true]))
    const { status, dependencies } = await healthOf(service)
    assert.equal(status, 'ok')
    assert.ok((dependencies.store.latencyMs ?? 0) >= 200, `${dependencies.store.latencyMs} ms`)
  })
})

test('a server that ends each session soon is not asked for the next one without a pause', async () => {
  await using proxy = await startTcpProxy(server.port)
  await using service = await startService({ DATABASE_URL: proxy.through(server.url()) })
  await server.query(`alter role multi_aws set idle_session_timeout = '20ms'`)
  proxy.cut()
  const before = proxy.taken
  const sessions = () => proxy.taken - before
  // On a slow machine it takes a while to ask too often.
  const untilMs = performance.now() + 4000
  await waitUntil('time is over', () => performance.now() > untilMs || sessions() >= 60, {
    timeoutMs: 10_000,
  })
  assert.ok(sessions() >= 5 && sessions() < 60, `${sessions()} in 4 s`)
  await server.query('alter role multi_aws reset idle_session_timeout')
  await becomes(service, 'ok')
  await serves(service)
})

test('a server that stands still and goes on is come back to, with the time of the stop between', async () => {
  await using service = await startService({ ...quick, DATABASE_URL: server.url() })
  await put(service, 'before')
  server.freeze()
  await becomes(service, 'degraded')
  server.thaw()
  await becomes(service, 'ok')
  await serves(service)
  assert.ok(await isStored(service, 'before'))
})
