import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import { within } from '../support/deadline.ts'
import { metricsOf } from '../support/figures.ts'
import { problemOf } from '../support/problem.ts'
import { askRaw, connectRaw, type RawClient, requestBytes } from '../support/raw-client.ts'
import { type Service, startService } from '../support/service.ts'

const DRAIN_DELAY_MS = 1500
const SHUTDOWN_TIMEOUT_MS = 4500
/** For a busy machine, on top of what is promised. */
const SLACK_MS = 2000
const drained = { DRAIN_DELAY_MS: String(DRAIN_DELAY_MS), SHUTDOWN_TIMEOUT_MS: String(SHUTDOWN_TIMEOUT_MS) }

const put = (id: string, body: string) => requestBytes({ method: 'PUT', path: `/data/${id}`, body })
const get = (path: string) => requestBytes({ path })

/** A connection that has had an answer and is kept. */
async function keptConnection({ port }: Service): Promise<RawClient> {
  const client = await connectRaw(port)
  client.send(get('/health/live'))
  assert.equal((await client.answer())?.headers.get('connection'), 'keep-alive')
  return client
}

async function inFlight(service: Service): Promise<number> {
  return (await metricsOf(service)).get('http_requests_in_flight') ?? 0
}

/** Sends SIGTERM and waits until the process has taken notice. */
async function beginStop(service: Service): Promise<number> {
  const startMs = performance.now()
  service.signal('SIGTERM')
  const isDraining = async () => (await askRaw(service.port, get('/health/ready')))?.status === 503
  await waitUntil('it says that it is not ready', isDraining, { timeoutMs: DRAIN_DELAY_MS })
  return startMs
}

async function assertStopped(service: Service, startMs: number, code: number | null): Promise<void> {
  const exit = await within(SHUTDOWN_TIMEOUT_MS + SLACK_MS, 'the process ends', service.exited)
  assert.deepEqual(exit, { code, signal: null })
  assert.ok(performance.now() - startMs < SHUTDOWN_TIMEOUT_MS + SLACK_MS)
}

async function takesNoMoreConnections({ port }: Service): Promise<void> {
  const closed = () =>
    connectRaw(port).then(
      (client) => client.destroy(),
      () => true,
    )
  await waitUntil('it takes no more connections', closed, { timeoutMs: DRAIN_DELAY_MS + SLACK_MS })
}

suite('on SIGTERM', { concurrency: true }, () => {
  test('it is unready at once, serves old and new connections for the drain delay, closes each, and exits 0', async () => {
    await using service = await startService({ ...drained, SEED_DATA: 'true' })
    const old = await Promise.all(Array.from({ length: 5 }, () => keptConnection(service)))
    const startMs = await beginStop(service)
    assert.ok(performance.now() - startMs < 1000, 'not at once')

    const health = await askRaw(service.port, get('/health'))
    assert.equal(health?.status, 503)
    assert.equal(JSON.parse(health.body.toString()).status, 'draining')
    assert.equal((await askRaw(service.port, get('/health/live')))?.status, 200)

    const fresh = await Promise.all(old.map(() => connectRaw(service.port)))
    for (const [n, client] of [...old, ...fresh].entries()) {
      client.send(n % 2 === 0 ? get('/data/1') : put(`drained-${n}`, String(n)))
      const answer = await client.answer()
      assert.equal(answer?.status, n % 2 === 0 ? 200 : 201)
      assert.equal(answer.headers.get('connection'), 'close')
      await client.ended()
    }
    assert.ok(performance.now() - startMs < DRAIN_DELAY_MS, 'the machine is too slow for this test')
    await assertStopped(service, startMs, 0)
    assert.ok(performance.now() - startMs >= DRAIN_DELAY_MS, 'it did not wait for the balancer')
  })

  test('a slow upload that has begun is finished, also after the drain delay', async () => {
    await using service = await startService(drained)
    using upload = await connectRaw(service.port)
    const bytes = put('upload', JSON.stringify('x'.repeat(100_000)))
    await upload.sent(bytes.subarray(0, 50_000))
    await waitUntil('the upload has begun', async () => (await inFlight(service)) === 2, { timeoutMs: 5000 })

    const startMs = await beginStop(service)
    await takesNoMoreConnections(service)
    upload.send(bytes.subarray(50_000))
    const answer = await upload.answer()
    assert.equal(answer?.status, 201)
    assert.equal(answer.headers.get('connection'), 'close')
    await assertStopped(service, startMs, 0)
  })

  test('long polls are answered and streams end, both at once', async () => {
    await using service = await startService(drained)
    using poll = await connectRaw(service.port)
    using stream = await connectRaw(service.port)
    poll.send(get('/changes?wait=50'))
    stream.send(requestBytes({ path: '/changes', headers: { Accept: 'text/event-stream' } }))
    await waitUntil('both wait', async () => (await inFlight(service)) === 3, { timeoutMs: 5000 })

    const startMs = await beginStop(service)
    const answer = await poll.answer({ withinMs: DRAIN_DELAY_MS })
    assert.equal(answer?.status, 200)
    assert.deepEqual(JSON.parse(answer.body.toString()).changes, [])
    // Its last chunk has come: the stream has ended as it should, and has not been cut.
    const events = await stream.answer({ withinMs: DRAIN_DELAY_MS })
    assert.match(events?.body.toString() ?? '', /^retry: /)
    await assertStopped(service, startMs, 0)
  })

  test('connections on which no request waits do not hold it, whatever they have sent', async () => {
    await using service = await startService(drained)
    using silent = await connectRaw(service.port)
    using half = await connectRaw(service.port)
    half.send('GET / HTTP/1.1\r\nHost: te')
    const kept = await keptConnection(service)
    kept.send('GET / HT')

    const startMs = await beginStop(service)
    await assertStopped(service, startMs, 0)
    assert.ok(performance.now() - startMs < SHUTDOWN_TIMEOUT_MS - 1000, 'it waited for nothing')
    await Promise.all([silent.ended(), half.ended(), kept.ended()])
  })

  test('a request whose headers end during the stop is served or not taken, never answered otherwise', async () => {
    await using service = await startService(drained)
    using upload = await connectRaw(service.port)
    await upload.sent(put('holds', '12345').subarray(0, -1))
    using half = await connectRaw(service.port)
    half.send('GET /health/live HTTP/1.1\r\nHost: test\r\n')
    await waitUntil('the upload has begun', async () => (await inFlight(service)) === 2, { timeoutMs: 5000 })

    const startMs = await beginStop(service)
    await takesNoMoreConnections(service)
    half.send('\r\n')
    const answer = await half.answer()
    if (answer !== undefined && answer.status !== 200) problemOf(answer)
    upload.send('5')
    assert.equal((await upload.answer())?.status, 201)
    await assertStopped(service, startMs, 0)
  })

  test('a request that never ends is cut in time, stores nothing, and the exit code tells of it', async () => {
    await using service = await startService(drained)
    using stuck = await connectRaw(service.port)
    await stuck.sent(put('stuck', '12345').subarray(0, -1))
    await waitUntil('the upload has begun', async () => (await inFlight(service)) === 2, { timeoutMs: 5000 })

    const startMs = await beginStop(service)
    // Not 0: a client was left without its answer, and whoever deploys should know.
    await assertStopped(service, startMs, 1)
    assert.equal(await stuck.ended(), '')
    assert.ok(
      service.lines.some(({ msg, step }) => msg === 'step failed' && step === 'finish requests and work'),
    )
  })

  for (const [first, second] of [
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGINT'],
  ] as const) {
    test(`a second signal ends it at once: ${first}, ${second}`, async () => {
      await using service = await startService({ DRAIN_DELAY_MS: '60000', SHUTDOWN_TIMEOUT_MS: '90000' })
      service.signal(first)
      await waitUntil('it stops', () => service.lines.some(({ msg }) => msg === 'stopping'), {
        timeoutMs: 5000,
      })
      service.signal(second)
      const exit = await within(SLACK_MS, 'the process ends', service.exited)
      assert.deepEqual(exit, { code: null, signal: second })
    })
  }
})

test('SIGINT stops it in order as well', async () => {
  await using service = await startService()
  service.signal('SIGINT')
  assert.deepEqual(await within(5000, 'the process ends', service.exited), { code: 0, signal: null })
  const steps = service.lines.flatMap(({ msg, step }) => (msg === 'step done' ? [step] : []))
  assert.deepEqual(steps, ['drain', 'finish requests and work', 'close store'])
})
