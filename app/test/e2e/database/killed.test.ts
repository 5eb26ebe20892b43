import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, serves } from '../../support/ask.ts'
import { type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import { type Service, startService } from '../../support/service.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

interface Item {
  readonly id: string
  readonly version: number
}

interface Feed {
  readonly changes: readonly Item[]
}

/** Every commit takes so long, so that there is a time before and a time after it. */
const COMMIT_MS = 100
const soon = { timeoutMs: 10_000 }

let database: DatabaseServer
let service: Service
before(async () => {
  database = await startDatabaseServer({
    fsync: 'on',
    commit_delay: String(COMMIT_MS * 1000),
    commit_siblings: '0',
    // Nothing is written to the disk by the way.
    wal_writer_delay: '10s',
  })
  service = await startService({ DATABASE_URL: database.url() })
  // Only what a test writes can be lost.
  await database.query('checkpoint')
})
after(async () => {
  await service.kill()
  await database[Symbol.asyncDispose]()
})

async function changesOf(id: string): Promise<number[]> {
  const { changes } = (await ask<Feed>(service, 'GET', '/changes?limit=1000')).body
  return changes.filter((change) => change.id === id).map(({ version }) => version)
}

suite('a write that was acknowledged is there after PostgreSQL was killed in the same moment', () => {
  for (const [name, write] of Object.entries({
    PUT: (id: string) => ask<Item>(service, 'PUT', `/data/${id}`, { by: 'put' }),
    PATCH: (id: string) => ask<Item>(service, 'PATCH', `/data/${id}`, { by: 'patch' }),
    DELETE: (id: string) => ask(service, 'DELETE', `/data/${id}`),
    'POST /batch': (id: string) =>
      ask(service, 'POST', '/batch', { operations: [{ op: 'put', id, value: { by: 'batch' } }] }),
  })) {
    test(name, async () => {
      const id = name.replace(/\W/g, '')
      await ask(service, 'PUT', `/data/${id}`, {})
      const { status } = await write(id)
      await database.crash()
      assert.ok(status < 300, String(status))
      await database.start()
      const [row] = await database.query('select version::int from data where id = $1', [id])
      assert.equal(row?.version, 2)
      await serves(service)
      assert.deepEqual(await changesOf(id), [1, 2])
    })
  }

  test('POST /data', async () => {
    const { status, body } = await ask<Item>(service, 'POST', '/data', {})
    await database.crash()
    assert.equal(status, 201)
    await database.start()
    await serves(service)
    assert.equal((await ask(service, 'GET', `/data/${body.id}`)).status, 200)
    assert.deepEqual(await changesOf(body.id), [1])
  })
})

test('what a killed process has committed is in the feed, though nobody was told', async () => {
  await using proxy = await startTcpProxy(database.port)
  const writes: Readonly<Record<string, (process: Service, id: string) => Promise<unknown>>> = {
    put: (process, id) => ask(process, 'PUT', `/data/${id}`, 1),
    batch: (process, id) => ask(process, 'POST', '/batch', { operations: [{ op: 'put', id, value: 1 }] }),
  }
  for (const [name, write] of Object.entries(writes)) {
    await using victim = await startService({ DATABASE_URL: proxy.through(database.url()) })
    const id = `unheard-${name}`
    const isSent = proxy.sent(id)
    const answer = write(victim, id).catch(() => 'none')
    await isSent
    // The process does not hear of the commit of a put, and so does nothing after it. A batch's is sent later.
    if (name === 'put') proxy.hold('answers')
    const isCommitted = async () =>
      (await database.query('select from data where id = $1', [id])).length === 1
    await waitUntil('it is committed', isCommitted, soon)
    await victim.kill()
    await answer
    proxy.cut()
    proxy.pass()
    assert.deepEqual(await changesOf(id), [1], name)
  }
})
