import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { ask, type Reply } from '../../support/ask.ts'
import { createDatabase, type Database } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { type Service, startListening, startService } from '../../support/service.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

interface Item {
  readonly version: number
  readonly value: unknown
}

let database: Database
let here: Service
let there: Service
before(async () => {
  database = await createDatabase()
  const environment = { DATABASE_URL: database.url }
  here = await startService(environment)
  there = await startService(environment)
})
after(async () => {
  await here.kill()
  await there.kill()
  await database[Symbol.asyncDispose]()
})

suite('two processes that write one item at the same time', () => {
  let locker: pg.Client
  before(async () => {
    locker = new pg.Client({ connectionString: database.url, statement_timeout: 10_000 })
    await locker.connect()
  })
  after(() => locker.end())

  /** Both wait for the row, and neither is about to give it up: that comes after 100 ms. */
  const released = `
    do $$ begin
      while 2 > (
        select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
        and query_start > clock_timestamp() - interval '40 ms'
      ) loop
        perform pg_sleep(0.001);
        perform pg_stat_clear_snapshot();
      end loop;
    end $$;
    commit`

  /** Both writes have begun, and have seen the item as it is, before either can go on. */
  async function collide(id: string, write: (service: Service) => Promise<Reply<Item & Problem>>) {
    assert.equal((await ask(here, 'PUT', `/data/${id}`, 'first')).status, 201)
    await locker.query('begin')
    await locker.query('select from data where id = $1 for update', [id])
    const answers = [write(here), write(there)]
    await locker.query(released)
    return Promise.all(answers)
  }

  /** On a machine that stands still for a moment one of them may give the row up all the same. */
  const ids = (name: string) => [1, 2, 3].map((n) => `${name}-${n}`)

  test('make a version each', async () => {
    for (const id of ids('both')) {
      const answers = await collide(id, ({ url }) => ask({ url }, 'PUT', `/data/${id}`, url))
      assert.deepEqual(answers.map(({ body }) => body.version).toSorted(), [2, 3])
      const latest = answers.find(({ body }) => body.version === 3)
      assert.equal((await ask<Item>(here, 'GET', `/data/${id}`)).body.value, latest?.body.value)
    }
  })

  test('do not both win the version that they expect', async () => {
    for (const id of ids('one')) {
      const operations = [{ op: 'put', id, value: 'next', ifVersion: 1 }]
      const answers = await collide(id, (service) => ask(service, 'POST', '/batch', { operations }))
      assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 412])
      assert.equal((await ask<Item>(there, 'GET', `/data/${id}`)).body.version, 2)
    }
  })

  test('and merge into it keep both changes', async () => {
    for (const id of ids('merged')) {
      await collide(id, ({ url, port }) => ask({ url }, 'PATCH', `/data/${id}`, { [port]: true }))
      const { value } = (await ask<Item>(here, 'GET', `/data/${id}`)).body
      assert.deepEqual(value, { [here.port]: true, [there.port]: true })
    }
  })
})

test('a read sees what another process has acknowledged, however many others read the same', async () => {
  const reading = new AbortController()
  const readers = Array.from({ length: 4 }, async () => {
    while (!reading.signal.aborted) await ask(here, 'GET', '/data/shared')
  })
  for (let version = 1; version <= 200; version++) {
    await ask(there, 'PUT', '/data/shared', version)
    const { body } = await ask<Item>(here, 'GET', '/data/shared')
    assert.equal(body.version, version)
  }
  reading.abort()
  await Promise.all(readers)
})

test('a cursor that reaches a process before the database does has not expired', async () => {
  await ask(here, 'PUT', '/data/followed', 1)
  const { next } = (await ask<{ next: string }>(here, 'GET', '/changes?limit=1')).body
  await using proxy = await startTcpProxy(Number(new URL(database.url).port))
  proxy.hold('answers')
  await using starting = await startListening({
    DATABASE_URL: proxy.through(database.url),
    // It does not migrate, and so waits for nothing but its connections.
    ROLE: 'api',
  })
  const early = ask<Problem>(starting, 'GET', `/changes?after=${next}`)
  await ask(starting, 'GET', '/health')
  proxy.pass()
  const { status, body } = await early
  assert.ok(status === 200 || body.code === 'unavailable', JSON.stringify(body))
  await starting.ready()
  assert.equal((await ask(starting, 'GET', `/changes?after=${next}`)).status, 200)
})
