import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import pg from 'pg'
import type { Change } from '../../../src/domain/item.ts'
import type { Store } from '../../../src/ports/store.ts'
import { createDatabase, type Database } from '../../support/postgres.ts'
import { patient, startStore } from '../../support/postgres-store.ts'

let database: Database
let stores: (Store & AsyncDisposable)[]
let here: Store
let there: Store

before(async () => {
  database = await createDatabase()
  const environment = { DATABASE_URL: database.url }
  stores = [await startStore(environment), await startStore(environment)]
  here = stores[0] as Store
  there = stores[1] as Store
})
after(async () => {
  for (const store of stores) await store.close()
  await database[Symbol.asyncDispose]()
})

const put = (store: Store, id: string) => store.put(id, '1', undefined, patient)

/** The whole feed, as this process reads it. */
async function changesOf(store: Store): Promise<Change[]> {
  const changes: Change[] = []
  for (let last: number | undefined; ; ) {
    const page = await store.feed.read({ after: last, limit: 1000 }, patient)
    assert(page.ok)
    if (page.changes.length === 0) return changes
    changes.push(...page.changes)
    last = page.last
  }
}

async function endOf(store: Store): Promise<number> {
  return (await changesOf(store)).at(-1)?.position ?? 0
}

test('a change is in the feed of every process as soon as its write is answered', async () => {
  for (let round = 0; round < 20; round++) {
    const id = randomUUID()
    await put(here, id)
    assert.equal((await changesOf(there)).at(-1)?.id, id)
  }
})

test('every process gives the same changes the same positions, dense and in the order of versions', async () => {
  const ids = Array.from({ length: 5 }, () => randomUUID())
  const writes = Array.from({ length: 2000 }, (_, index) =>
    put(index % 2 === 0 ? here : there, ids[index % ids.length] as string),
  )
  await Promise.all(writes)
  const changes = await changesOf(here)
  assert.deepEqual(await changesOf(there), changes)
  assert.deepEqual(
    changes.map(({ position }) => position),
    changes.map((_, index) => index + 1),
  )
  for (const id of ids) {
    const versions = changes.filter((change) => change.id === id).map(({ version }) => version)
    assert.deepEqual(
      versions,
      Array.from({ length: 400 }, (_, index) => index + 1),
    )
  }
})

test('a change that was begun earlier and committed later is not missed', async () => {
  const [early, late] = [randomUUID(), randomUUID()]
  const slow = new pg.Client({ connectionString: database.url })
  await slow.connect()
  await slow.query('begin')
  await slow.query('insert into outbox (id, version, deleted, at) values ($1, 1, false, now())', [early])
  await put(here, late)
  assert.equal((await changesOf(here)).at(-1)?.id, late)
  await slow.query('commit')
  await slow.end()
  assert.deepEqual(
    (await changesOf(here)).slice(-2).map(({ id }) => id),
    [late, early],
  )
})

test('a change of a process that died after its commit reaches those who wait elsewhere', {
  timeout: 20_000,
}, async () => {
  const end = await endOf(there)
  const wait = there.feed.wait(end, 60_000, new AbortController().signal)
  const id = randomUUID()
  await database.query('insert into outbox (id, version, deleted, at) values ($1, 1, false, now())', [id])
  await wait
  assert.equal((await changesOf(there)).at(-1)?.id, id)
})

test('a batch that is refused leaves nothing in the feed, and nothing behind in the outbox', async () => {
  const end = await endOf(here)
  const operations = [
    { op: 'put', id: randomUUID(), value: '1', ifVersion: undefined },
    { op: 'put', id: randomUUID(), value: '1', ifVersion: 3 },
  ] as const
  assert.equal((await here.batch(operations, patient)).ok, false)
  assert.equal(await endOf(here), end)
  assert.deepEqual(await database.query('select * from outbox'), [])
})

test('pruning removes what is older than the retention from the oldest on, and the feed goes on counting', {
  timeout: 20_000,
}, async () => {
  await put(here, randomUUID())
  const end = await endOf(here)
  await using impatient = await startStore({ DATABASE_URL: database.url, CHANGES_RETENTION_MS: '1000' })
  for (;;) {
    const page = await impatient.feed.read({ after: undefined, limit: 1 }, patient)
    assert(page.ok)
    if (page.changes.length === 0) break
  }
  assert.deepEqual(await here.feed.read({ after: end - 1, limit: 10 }, patient), { ok: false, oldest: end })
  await put(here, randomUUID())
  const page = await here.feed.read({ after: end, limit: 10 }, patient)
  assert(page.ok)
  assert.equal(page.changes[0]?.position, end + 1)
})

test('a restored database gives its feed a new identity by one statement', async () => {
  const id = here.feed.id
  await database.query('update feed_counter set feed_id = left(gen_random_uuid()::text, 8)')
  await changesOf(here)
  assert.notEqual(here.feed.id, id)
  assert.match(here.feed.id, /^[0-9a-f]{8}$/)
})

test('a process is ready whatever waits for its position: it does not move all of it first', async () => {
  await using database = await createDatabase()
  await using first = await startStore({ DATABASE_URL: database.url })
  await first.close()
  const CHANGES = 200_000
  await database.query(
    'insert into outbox (id, version, deleted, at) select n::text, 1, false, clock_timestamp() from generate_series(1, $1::integer) n',
    [CHANGES],
  )
  await using _second = await startStore({ DATABASE_URL: database.url })
  const [row] = await database.query('select count(*) as waiting from outbox')
  assert.ok(Number(row?.waiting) > CHANGES / 2, `${row?.waiting} wait`)
})

test('many changes at one time are in the feed at once, also where the database takes the outbox for empty', async () => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const fill = `insert into outbox (id, version, deleted, at)
    select 'many-' || n, 1, false, now() from generate_series(1, 20000) n`
  await client.query(`begin; ${fill}; delete from outbox; commit; analyze outbox`)
  await client.query(fill)
  await client.end()
  const changes = await changesOf(here)
  assert.equal(changes.filter(({ id }) => id.startsWith('many-')).length, 20_000)
})
