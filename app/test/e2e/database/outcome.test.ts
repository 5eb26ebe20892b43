import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import pg from 'pg'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, serves } from '../../support/ask.ts'
import { createDatabase, type Database } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { type Service, startService } from '../../support/service.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { lineOf, openUpload } from '../../support/work/upload.ts'

let database: Database
let proxy: TcpProxy
let service: Service
before(async () => {
  database = await createDatabase()
  proxy = await startTcpProxy(Number(new URL(database.url).port))
  service = await startService({ DATABASE_URL: proxy.through(database.url), ANSWER_TIMEOUT_MS: '2000' })
})
after(async () => {
  await service.kill()
  await proxy[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
/** A test that fails takes no other along. */
afterEach(async () => {
  proxy.pass()
  await serves(service)
})

async function versionOf(id: string): Promise<number> {
  const [row] = await database.query('select version::int from data where id = $1', [id])
  return row?.version ?? 0
}

interface Written {
  readonly what: string
  readonly write: (id: string) => ReturnType<typeof ask<Problem>>
}

const writes: readonly Written[] = [
  { what: 'PUT', write: (id) => ask(service, 'PUT', `/data/${id}`, 1) },
  { what: 'DELETE', write: (id) => ask(service, 'DELETE', `/data/${id}`) },
  {
    what: 'POST /batch',
    write: (id) => ask(service, 'POST', '/batch', { operations: [{ op: 'put', id, value: 1 }] }),
  },
]

suite('a connection that is cut in the middle of a write: 503 outcome_unknown, whether it was done or not', () => {
  for (const { what, write } of writes) {
    test(`${what}, cut before the database has it`, async () => {
      const id = `lost-request-${what.replace(/\W+/g, '-')}`
      await ask(service, 'PUT', `/data/${id}`, 0)
      const asked = proxy.sent(what === 'POST /batch' ? 'begin' : id)
      proxy.hold('requests')
      const answer = write(id)
      await asked
      proxy.cut()
      proxy.pass()
      const { status, body, retryAfter } = await answer
      assert.deepEqual([status, body.code, retryAfter], [503, 'outcome_unknown', '1'])
      assert.equal(await versionOf(id), 1)
      await serves(service)
    })
  }

  test('POST /batch, whose commit is lost', async () => {
    const isWritten = proxy.sent('lost-commit')
    const answer = ask<Problem>(service, 'POST', '/batch', {
      operations: [{ op: 'put', id: 'lost-commit', value: 1 }],
    })
    await isWritten
    // The write has passed, and its answer will. The commit, which is a message of its own, will not.
    proxy.hold('requests')
    const { status, body } = await answer
    proxy.cut()
    proxy.pass()
    assert.deepEqual([status, body.code], [503, 'outcome_unknown'])
    assert.equal(await versionOf('lost-commit'), 0)
    await serves(service)
  })

  for (const { what, write } of writes.slice(0, 2)) {
    test(`${what}, cut before its answer: it is done`, async () => {
      const id = `lost-answer-${what}`
      await ask(service, 'PUT', `/data/${id}`, 0)
      proxy.hold('answers')
      const answer = write(id)
      await waitUntil('it is done', async () => (await versionOf(id)) === 2, { timeoutMs: 1000 })
      proxy.cut()
      proxy.pass()
      const { status, body } = await answer
      assert.deepEqual([status, body.code], [503, 'outcome_unknown'])
      await serves(service)
      // It has a place in the feed like any other, and is not done again.
      const feed = await ask<{ changes: { id: string; version: number }[] }>(
        service,
        'GET',
        '/changes?limit=1000',
      )
      const versions = feed.body.changes.filter((change) => change.id === id).map(({ version }) => version)
      assert.deepEqual(versions, [1, 2])
    })
  }

  test('POST /imports, cut when the import is queued', async () => {
    const isRead = proxy.sent('import-read')
    const { request, answer } = openUpload(service)
    request.end(lineOf('queued-import'))
    await isRead
    proxy.cut()
    const { status, body } = await answer
    assert.deepEqual([status, body.code], [503, 'outcome_unknown'])
    await serves(service)
    const isApplied = async () => (await versionOf('queued-import')) === 1
    await waitUntil('it is done', isApplied, { timeoutMs: 15_000 })
  })

  test('no answer in time is the same: nobody is kept waiting for the network to decide', async () => {
    await ask(service, 'PUT', '/data/silent', 0)
    proxy.hold('answers')
    const { status, body, tookMs } = await ask<Problem>(service, 'PUT', '/data/silent', 1)
    assert.deepEqual([status, body.code], [503, 'outcome_unknown'])
    assert.ok(tookMs < 4000, `${tookMs} ms`)
    proxy.cut()
    proxy.pass()
    await serves(service)
    assert.equal(await versionOf('silent'), 2)
  })
})

test('a connection that is cut in the middle of a read: 503 unavailable, for there is nothing to be unknown', async () => {
  for (const [statement, path] of [
    ['import-read', '/imports/none'],
    ['read', '/data/none'],
    ['list', '/data'],
    ['feed-page', '/changes'],
  ] as const) {
    const asked = proxy.sent(statement)
    const answer = ask<Problem>(service, 'GET', path)
    await asked
    proxy.cut()
    const { status, body, retryAfter } = await answer
    assert.deepEqual([status, body.code, retryAfter], [503, 'unavailable', '1'], path)
    await serves(service)
  }
})

suite('a row that another session has locked', () => {
  let other: pg.Client
  before(async () => {
    other = new pg.Client({ connectionString: database.url })
    await other.connect()
  })
  after(() => other.end())

  async function lock(id: string): Promise<void> {
    assert.equal((await ask(service, 'PUT', `/data/${id}`, 'before')).status, 201)
    await other.query('begin')
    await other.query('select from data where id = $1 for update', [id])
  }

  test('holds up its own writes alone, is read all the time, and is written after the release', async () => {
    await lock('locked')
    let isAnswered = false
    const locked = ask(service, 'PUT', '/data/locked', 'after').finally(() => {
      isAnswered = true
    })
    // Many of them, in one batch with the locked one at first, and of every kind.
    const others = await Promise.all([
      ...Array.from({ length: 50 }, (_, n) => ask(service, 'PUT', `/data/free-${n}`, n)),
      ask(service, 'POST', '/batch', { operations: [{ op: 'put', id: 'free-batch', value: 1 }] }),
    ])
    for (const { status } of others) assert.ok(status === 200 || status === 201, String(status))
    for (let n = 0; n < 5; n++) {
      const { status, body } = await ask<{ value: string }>(service, 'GET', '/data/locked')
      assert.deepEqual([status, body.value], [200, 'before'])
    }
    assert.ok(!isAnswered, 'it was answered while it was locked')
    await other.query('commit')
    assert.equal((await locked).status, 200)
    assert.equal((await ask<{ value: string }>(service, 'GET', '/data/locked')).body.value, 'after')
  })

  test('is given up at the deadline, and then nothing of its writes is done later', async () => {
    await lock('stuck')
    const answers = await Promise.all([
      ask<Problem>(service, 'PUT', '/data/stuck', 'late'),
      ask<Problem>(service, 'DELETE', '/data/stuck'),
      ask<Problem>(service, 'POST', '/batch', { operations: [{ op: 'put', id: 'stuck', value: 'late' }] }),
    ])
    for (const { status, body, tookMs } of answers) {
      assert.deepEqual([status, body.code], [503, 'unavailable'])
      assert.ok(tookMs > 1500 && tookMs < 5000, `${tookMs} ms`)
    }
    await other.query('commit')
    await serves(service)
    const { body } = await ask<{ value: string; version: number }>(service, 'GET', '/data/stuck')
    assert.deepEqual([body.value, body.version], ['before', 1])
  })
})
