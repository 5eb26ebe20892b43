/** Messages that no attempt can do: they are put aside with the reason, hold nobody up, and can be tried again. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { ask } from '../../support/ask.ts'
import { metricsOf } from '../../support/figures.ts'
import type { Service } from '../../support/service.ts'
import { type SqsServer, startSqsServer } from '../../support/sqs.ts'
import { takeDeadLetters } from '../../support/work/dead-letters.ts'
import { openSite, type Site } from '../../support/work/site.ts'
import { cure, poison, slowDown } from '../../support/work/triggers.ts'
import { acceptedImport, bodyOf, importOf, lineOf, succeeds } from '../../support/work/upload.ts'

const ATTEMPTS = 3
/** Two attempts with their pauses, of a second and of two with some jitter, and some time for each. */
const DEAD_MS_MAX = 15_000
/** Much shorter than what sick messages take and wait in all. */
const HELD_UP_MS_MAX = 15_000

let sqs: SqsServer
before(async () => {
  sqs = await startSqsServer()
})
after(() => sqs[Symbol.asyncDispose]())

/** Two chunks, of which the second cannot be applied. */
const poisoned = (name: string) => bodyOf(name, 500) + lineOf(`poison-${name}`)

async function dead({ queue }: Site, messages: number): Promise<void> {
  const all = async () => (await queue.size()).dead === messages
  await waitUntil(`${messages} dead letters`, all, { timeoutMs: DEAD_MS_MAX })
}

test('an import that always fails is put aside after so many attempts, and completes when it is given back', async () => {
  await using site = await openSite(sqs, { receivesMax: ATTEMPTS })
  await poison(site.database)
  const [api, worker] = await Promise.all([site.start('api'), site.start('worker')])
  const id = await acceptedImport(api, poisoned('one'))
  await dead(site, 1)
  const [letter] = await takeDeadLetters(sqs, site.queue)
  assert.deepEqual(JSON.parse(letter?.body ?? ''), { id })
  assert.equal(letter?.type, 'import')
  assert.equal(letter?.attempts, String(ATTEMPTS))
  assert.match(letter?.reason ?? '', /poison works/)
  const hasLeft = async () => {
    const { visible, inFlight } = await site.queue.size()
    return visible + inFlight === 0
  }
  await waitUntil('it has left its queue', hasLeft, { timeoutMs: 10_000 })
  const outcomes = await metricsOf(worker)
  const counted = (outcome: string) =>
    outcomes.get(`worker_messages_total{type="import",outcome="${outcome}"}`) ?? 0
  assert.deepEqual([counted('retried'), counted('dead'), counted('done')], [ATTEMPTS - 1, 1, 0])
  assert.equal((await importOf(api, id)).lines.applied, 500, 'what came before is applied')

  await cure(site.database)
  await waitUntil(
    'it is given back',
    async () => {
      const [again] = await takeDeadLetters(sqs, site.queue)
      await again?.giveBack()
      return again !== undefined
    },
    { timeoutMs: 10_000 },
  )
  assert.equal((await succeeds(api, id)).lines.applied, 501)
  const [row] = await site.database.query('select max(version)::int as newest from data')
  assert.equal(row?.newest, 1, 'the first chunk is applied again')
  assert.equal((await site.queue.size()).dead, 0)
})

suite('a worker of two messages at one time', () => {
  let site: Site
  let api: Service
  let worker: Service
  before(async () => {
    site = await openSite(sqs, { receivesMax: 100 })
    await poison(site.database)
    ;[api, worker] = await Promise.all([site.start('api'), site.start('worker', { WORKER_CONCURRENCY: '2' })])
  })
  after(() => site[Symbol.asyncDispose]())

  test('a message of an import that is not there, or no longer, is done with', async () => {
    await site.queue.send(JSON.stringify({ id: '01890000-0000-7000-8000-000000000000' }), 'import')
    const none = async () => {
      const { visible, inFlight, dead } = await site.queue.size()
      return visible + inFlight + dead === 0
    }
    await waitUntil('the queue is empty', none, { timeoutMs: 10_000 })
  })

  test('what nobody can understand is put aside at once, with the reason', async () => {
    const nonsense = [
      ['{"id":"1"}', 'unheard-of'],
      ['{"id":"2"}', undefined],
      ['no JSON', 'import'],
      ['{"id":3}', 'import'],
      ['[]', 'import'],
    ] as const
    for (const [body, type] of nonsense) await site.queue.send(body, type)
    const id = await acceptedImport(api, bodyOf('understood', 3))
    await dead(site, nonsense.length)
    const letters = await takeDeadLetters(sqs, site.queue)
    const byBody = (a: string, b: string) => (a < b ? -1 : 1)
    assert.deepEqual(
      letters.map(({ body }) => body).sort(byBody),
      nonsense.map(([body]) => body).sort(byBody),
    )
    for (const { body, type, reason, attempts } of letters) {
      assert.equal(attempts, '1', body)
      assert.match(reason ?? '', type === 'import' ? /Expected ."id"./ : /type/, body)
    }
    await succeeds(api, id)
  })

  /** Sends many imports, and resolves when all of them have succeeded. */
  async function manyOthers(name: string): Promise<void> {
    const startMs = performance.now()
    const ids: string[] = []
    for (let n = 0; n < 30; n++) ids.push(await acceptedImport(api, bodyOf(`${name}-${n}`, 20)))
    for (const id of ids) await succeeds(api, id)
    const tookMs = performance.now() - startMs
    assert.ok(tookMs < HELD_UP_MS_MAX, `${tookMs} ms`)
  }

  test('imports that the database cannot do in time hold no other one up', async () => {
    await slowDown(site.database, 60_000)
    const slow = [await acceptedImport(api, lineOf('slow-1')), await acceptedImport(api, lineOf('slow-2'))]
    const areTried = async () => (await metricsOf(worker)).get('worker_messages_in_progress') === slow.length
    await waitUntil('both are tried', areTried, { timeoutMs: 10_000 })
    await manyOthers('in-time')
    for (const id of slow) await ask(api, 'DELETE', `/imports/${id}`)
  })

  test('imports that always fail hold no other one up', async () => {
    const sick: string[] = []
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      sick.push(await acceptedImport(api, poisoned(name)))
    }
    const retried = async () =>
      ((await metricsOf(worker)).get('worker_messages_total{type="import",outcome="retried"}') ?? 0) >=
      sick.length
    await waitUntil('all have failed once', retried, { timeoutMs: DEAD_MS_MAX })
    await manyOthers('good')
    for (const id of sick) assert.notEqual((await importOf(api, id)).state, 'succeeded')
  })
})
