/** Workers come, stop and die: imports are accepted without them, and completed by whoever is left. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Exit } from '../../../../local/processes.ts'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, type Health } from '../../support/ask.ts'
import { metricsOf } from '../../support/figures.ts'
import type { Service } from '../../support/service.ts'
import { type SqsServer, startSqsServer } from '../../support/sqs.ts'
import { openSite, type Site } from '../../support/work/site.ts'
import { slowDown } from '../../support/work/triggers.ts'
import { acceptedImport, bodyOf, importOf, isApplied, lineOf, succeeds } from '../../support/work/upload.ts'

const soon = { timeoutMs: 15_000 }
const CHUNK_LINES = 500
const CHUNK_MS = 200
const CHUNKS = 10
/** Shorter than a message that is not returned stays with the worker that has it. */
const RETURNED_MS_MAX = 3500
const TAKEOVER_MS_MAX = 10_000
const SHUTDOWN_TIMEOUT_MS = 5000
const quick = { SHUTDOWN_TIMEOUT_MS: String(SHUTDOWN_TIMEOUT_MS) }

let sqs: SqsServer
before(async () => {
  sqs = await startSqsServer()
})
after(() => sqs[Symbol.asyncDispose]())

const chunkOf = (name: string, n: number) =>
  bodyOf(`${name}-${n}`, CHUNK_LINES - 1) + lineOf(`slow-${name}-${n}`)

/** A body whose chunks take `CHUNK_MS` each. */
function slowBody(name: string, chunks: number): string {
  return Array.from({ length: chunks }, (_, n) => chunkOf(name, n)).join('')
}

async function assertOnce({ database }: Site, name: string, lines: number): Promise<void> {
  const [row] = await database.query(
    `select count(*)::int as items, max(version)::int as newest from data where id ~ '^(slow-)?${name}-'`,
  )
  assert.deepEqual([row?.items, row?.newest], [lines, 1], 'each line once')
}

/** The worker that applies the only import there is. */
async function busyOne(workers: readonly Service[]): Promise<Service> {
  const isBusy = async (worker: Service) =>
    (await metricsOf(worker)).get('worker_messages_in_progress') === 1 && worker
  return waitUntil(
    'a worker is busy',
    async () => (await Promise.all(workers.map(isBusy))).find((busy) => busy !== false),
    soon,
  )
}

suite('imports that an API process accepts', () => {
  let site: Site
  let api: Service
  let workers: Service[] = []
  before(async () => {
    site = await openSite(sqs, { receivesMax: 2 })
    await slowDown(site.database, CHUNK_MS)
    api = await site.start('api')
  })
  after(() => site[Symbol.asyncDispose]())

  /** Resolves when there are so many workers. */
  async function staff(size: number): Promise<void> {
    const missing = Array.from({ length: size - workers.length }, () => site.start('worker', quick))
    workers = [...workers, ...(await Promise.all(missing))]
  }

  /** Ends the worker that is in the middle of an import. Resolves to how much it has applied, and how long its end took. */
  async function dismiss(id: string, end: (worker: Service) => Promise<Exit>) {
    const busy = await busyOne(workers)
    workers = workers.filter((worker) => worker !== busy)
    const startMs = performance.now()
    const exit = await end(busy)
    const endMs = performance.now()
    const { state, lines } = await importOf(api, id)
    assert.equal(state, 'running', 'it was not in the middle')
    return { exit, applied: lines.applied, endMs, tookMs: Math.round(endMs - startMs) }
  }

  test('wait for a worker, which says what it does', async () => {
    const first = await acceptedImport(api, bodyOf('first', 3))
    const second = await acceptedImport(api, bodyOf('second', 3))
    await waitUntil('both are in the queue', async () => (await site.queue.size()).visible === 2, soon)
    for (const id of [first, second]) assert.equal((await importOf(api, id)).state, 'queued')

    await staff(1)
    const [worker] = workers as [Service]
    for (const id of [first, second]) assert.equal((await succeeds(api, id)).lines.applied, 3)
    const areCounted = async () => {
      const metrics = await metricsOf(worker)
      const done = metrics.get('worker_messages_total{type="import",outcome="done"}')
      return done === 2 && metrics.get('worker_messages_in_progress') === 0
    }
    await waitUntil('two messages are counted', areCounted, soon)
    const isEmpty = async () => {
      const { visible, inFlight, dead } = await site.queue.size()
      return visible + inFlight + dead === 0
    }
    await waitUntil('the queue is empty', isEmpty, soon)
    for (const service of [api, worker]) {
      const { status, body } = await ask<Health>(service, 'GET', '/health')
      assert.deepEqual([status, body.status, body.dependencies.queue?.state], [200, 'ok', 'ok'])
      assert.equal((await ask(service, 'GET', '/health/ready')).status, 200)
      assert.equal((await ask(service, 'GET', '/health/live')).status, 200)
    }
    assert.equal((await ask(worker, 'GET', '/data/first-1')).status, 404)
    assert.equal((await ask(worker, 'POST', '/imports')).status, 404)
  })

  test('a worker that is stopped in the middle of one returns it, and another one goes on at once', async (t) => {
    await staff(2)
    const id = await acceptedImport(api, slowBody('stopped', CHUNKS))
    await isApplied(api, id, CHUNK_LINES)
    const { exit, applied, endMs, tookMs } = await dismiss(id, (worker) => worker.stop())
    assert.deepEqual(exit, { code: 0, signal: null })
    assert.ok(tookMs < SHUTDOWN_TIMEOUT_MS, `${tookMs} ms`)
    await isApplied(api, id, applied + 1)
    const goneOnMs = Math.round(performance.now() - endMs)
    t.diagnostic(`stopped in ${tookMs} ms, gone on with after ${goneOnMs} ms`)
    assert.ok(goneOnMs < RETURNED_MS_MAX, `${goneOnMs} ms`)
    await succeeds(api, id)
    await assertOnce(site, 'stopped', CHUNKS * CHUNK_LINES)
  })

  test('a worker that is killed in the middle of one is taken over from', async (t) => {
    await staff(2)
    const id = await acceptedImport(api, slowBody('killed', CHUNKS))
    await isApplied(api, id, CHUNK_LINES)
    const { applied, endMs } = await dismiss(id, (worker) => worker.kill())
    // The database may yet commit the chunk under way.
    await isApplied(api, id, applied + CHUNK_LINES + 1)
    const goneOnMs = Math.round(performance.now() - endMs)
    t.diagnostic(`gone on with after ${goneOnMs} ms`)
    assert.ok(goneOnMs < TAKEOVER_MS_MAX, `${goneOnMs} ms`)
    await succeeds(api, id)
    await assertOnce(site, 'killed', CHUNKS * CHUNK_LINES)
  })

  test('workers are stopped more often than a message may be received: the import completes all the same', async () => {
    await staff(4)
    const id = await acceptedImport(api, slowBody('often', 2 * CHUNKS))
    for (let applied = 0; workers.length > 1; ) {
      await isApplied(api, id, applied + 1)
      applied = (await dismiss(id, (worker) => worker.stop())).applied
    }
    await succeeds(api, id)
    await assertOnce(site, 'often', 2 * CHUNKS * CHUNK_LINES)
    assert.equal((await site.queue.size()).dead, 0)
  })
})
