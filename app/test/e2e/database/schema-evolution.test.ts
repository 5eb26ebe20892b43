import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { runApiSuite } from '../../support/api-suite.ts'
import { ask, healthOf } from '../../support/ask.ts'
import { createDatabase, type Database } from '../../support/postgres.ts'
import { releases, treeOf } from '../../support/releases.ts'
import { runService, startService } from '../../support/service.ts'

async function migrate({ url }: Database): Promise<void> {
  const { code, stderr } = await runService({ ROLE: 'migrate', DATABASE_URL: url })
  assert.equal(code, 0, stderr)
}

/** What a later release may do to the schema while this one runs: add what need not be known. */
const EXPANSION = [
  'alter table data add column note text',
  `alter table data add column kind text not null default 'plain'`,
  'alter table outbox add column origin text',
  'alter table feed add column origin text',
  'alter table feed_counter add column epoch integer not null default 1',
  'alter table imports add column source text',
  'alter table import_chunks add column encoding text',
  `alter table messages add column priority integer not null default 0`,
  'create table webhooks (id text primary key, url text not null)',
  'create index data_kind on data (kind)',
  `insert into schema_migrations (version, name, checksum) values (999, '000999_later.sql', 'later')`,
]

test('this release runs on a later schema: the suite passes while it is expanded under the process, and after', async () => {
  await using database = await createDatabase()
  await using service = await startService({ DATABASE_URL: database.url, SEED_DATA: 'true' })
  // Its statements are prepared now, on the schema as it was.
  await runApiSuite(service.url)
  let isOver = false
  let count = 0
  const failed: number[] = []
  const load = Array.from({ length: 4 }, async (_, client) => {
    for (; !isOver; count++) {
      const { status } = await ask(service, 'PUT', `/data/load-${client}`, count)
      if (status >= 300) failed.push(status)
    }
  })
  const all = Promise.all(load)
  all.catch(() => {})
  for (const statement of EXPANSION) await database.query(statement)
  const goal = count + 100
  await waitUntil('writes go on', () => count > goal, { timeoutMs: 10_000 })
  isOver = true
  await all
  assert.deepEqual(failed, [])
  await runApiSuite(service.url)
  await using later = await startService({ ROLE: 'api', DATABASE_URL: database.url })
  assert.equal((await ask(later, 'GET', '/data/load-0')).status, 200)
})

test('only forward: an older release that migrates leaves a later schema as it is', async () => {
  await using database = await createDatabase()
  await migrate(database)
  for (const statement of EXPANSION) await database.query(statement)
  await migrate(database)
  await using service = await startService({ ROLE: 'all', DATABASE_URL: database.url })
  assert.equal((await healthOf(service)).status, 'ok')
  const [row] = await database.query('select max(version)::int as version from schema_migrations')
  assert.equal(row?.version, 999)
})

// 0.1.0 has none. Each later release is added to app/migrations/released.json, and stays here.
suite('releases that have a schema: their code, and their suite, on the schema of today', () => {
  for (const release of releases.filter(({ migrations }) => Object.keys(migrations).length > 0)) {
    test(release.version, async () => {
      using tree = treeOf(release)
      await using database = await createDatabase()
      await migrate(database)
      const environment = { ROLE: 'api', DATABASE_URL: database.url, SEED_DATA: 'true' }
      await using service = await startService(environment, join(tree.path, 'app/src/main.ts'))
      await runApiSuite(service.url, tree.path)
    })
  }
})
