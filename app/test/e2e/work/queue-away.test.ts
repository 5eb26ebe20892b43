/** Promise 8, of the queue: writes, reads and uploads go on without it, and imports complete when it is back. */
import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, becomes } from '../../support/ask.ts'
import type { Service } from '../../support/service.ts'
import { type SqsServer, startSqsServer } from '../../support/sqs.ts'
import { readFeed } from '../../support/work/feed.ts'
import { startWorkLoad } from '../../support/work/load.ts'
import { openSite, type Site } from '../../support/work/site.ts'
import { succeeds } from '../../support/work/upload.ts'

/** How long it is away at least: `QUEUE_AWAY_MS=30000 npm test -- app/test/e2e/work/queue-away.test.ts`. */
const AWAY_MS = Number(process.env.QUEUE_AWAY_MS ?? 3000)
/** Less is no evidence; a slow machine takes longer for it. */
const WRITES_MIN = AWAY_MS / 100
const IMPORTS_MIN = AWAY_MS / 1000
const EVIDENCE_MS_MAX = 10 * AWAY_MS
/** The longest pause between two attempts, and the work that has piled up. */
const BACK_MS_MAX = 20_000 + 2 * AWAY_MS
/** A machine that stands still for a moment is no database that is away. */
const patient = { DATABASE_TIMEOUT_MS: '15000', ANSWER_TIMEOUT_MS: '20000' }

let sqs: SqsServer
before(async () => {
  sqs = await startSqsServer()
})
after(() => sqs[Symbol.asyncDispose]())

interface Outage {
  /** Begins the ids that are written meanwhile. */
  readonly name: string
  readonly fail: () => unknown
  readonly mend: () => unknown
}

/** Asserts that clients of `api` are answered all the time, and that what was acknowledged is done, once, and nothing else. */
async function outage(t: TestContext, processes: readonly Service[], { name, fail, mend }: Outage) {
  const [api] = processes as [Service]
  await using load = startWorkLoad(api, name)
  await waitUntil('an import is accepted', () => load.imports.length > 0, { timeoutMs: 10_000 })
  await fail()
  const [writes, imports] = [load.writes, load.imports.length]
  const away = () => ({ writes: load.writes - writes, imports: load.imports.length - imports })
  const isEvidence = () => away().writes >= WRITES_MIN && away().imports >= IMPORTS_MIN
  await delay(AWAY_MS)
  await waitUntil('enough is written and imported', () => load.faults.length > 0 || isEvidence(), {
    timeoutMs: EVIDENCE_MS_MAX,
  })
  t.diagnostic(`while it was away: ${JSON.stringify(away())}; ${load.broken} broken off`)
  await becomes(api, 'degraded')
  assert.equal((await ask(api, 'GET', '/health/ready')).status, 200)
  await mend()
  await load.end()
  assert.deepEqual(load.faults, [])

  for (const id of load.imports) await succeeds(api, id, { timeoutMs: BACK_MS_MAX })
  for (const process of processes) await becomes(process, 'ok')
  const changes = await readFeed(api)
  const own = changes.filter(({ id }) => id.startsWith(name)).map(({ id, version }) => `${id} ${version}`)
  assert.deepEqual(own.toSorted(), [...load.changes].toSorted(), 'not every acknowledged change, once')
}

suite('while the queue is away every write and upload is answered, and takes effect once', () => {
  let site: Site
  let processes: readonly Service[]
  before(async () => {
    site = await openSite(sqs)
    processes = await Promise.all([site.start('api', patient), site.start('worker', patient)])
  })
  after(() => site[Symbol.asyncDispose]())

  test('behind a network that loses everything', (t) =>
    outage(t, processes, {
      name: 'lost',
      fail: () => site.proxy.hold('requests', 'answers'),
      mend() {
        site.proxy.cut()
        site.proxy.pass()
      },
    }))

  test('behind a network that loses what it answers', (t) =>
    outage(t, processes, {
      name: 'unanswered',
      fail: () => site.proxy.hold('answers'),
      mend: () => site.proxy.pass(),
    }))

  test('killed, with connections that are refused, or break at once', async (t) => {
    const [api, worker] = processes as [Service, Service]
    await api.kill()
    processes = [await site.start('api', { ...patient, ...site.queue.environment() }), worker]
    await outage(t, processes, { name: 'refused', fail: () => sqs.kill(), mend: () => sqs.start() })
  })

  test('no message is left in the end, and none was given up', async () => {
    const none = async () => {
      const { visible, inFlight, dead } = await site.queue.size()
      return visible + inFlight + dead === 0
    }
    await waitUntil('no message is left', none, { timeoutMs: BACK_MS_MAX })
  })
})

test('writes and reads do not ask the queue', async () => {
  await using site = await openSite(sqs)
  const api = await site.start('api')
  let isAsked = false
  site.proxy.sent('SendMessage').then(() => {
    isAsked = true
  })
  site.proxy.hold('requests', 'answers')
  for (let n = 1; n <= 200; n++) {
    assert.ok((await ask(api, 'PUT', `/data/alone-${n % 10}`, n)).status < 300)
    assert.equal((await ask(api, 'GET', `/data/alone-${n % 10}`)).status, 200)
  }
  assert.equal((await ask(api, 'GET', '/changes?limit=1000')).status, 200)
  assert.equal(isAsked, false)
})
