import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { StatementRefused } from '../src/adapters/postgres/faults.ts'
import { type Migration, migrate, readMigrations } from '../src/adapters/postgres/migrations.ts'
import { openSession } from '../src/adapters/postgres/session.ts'
import { createLog } from '../src/log.ts'
import { createDatabase, type Database, type Row } from './support/postgres.ts'
import { releases } from './support/releases.ts'
import { textOf } from './support/repository.ts'
import { runService } from './support/service.ts'

const LOCK_TIMEOUT_MS = 300
const migrations = readMigrations()
const { log } = createLog('silent')

async function apply({ url }: Database, some: readonly Migration[], lockTimeoutMs = 5000): Promise<void> {
  const { hostname: host, port, username: user, password, pathname } = new URL(url)
  const address = { host, port: Number(port), user, password, database: pathname.slice(1), ssl: false }
  const session = await openSession({
    address: () => address,
    connectTimeoutMs: 5000,
    timeoutMs: 10_000,
    lockTimeoutMs,
  })
  try {
    await migrate(session, some, log)
  } finally {
    await session.close()
  }
}

/** A migration behind all others. */
function further(sql: string): Migration {
  const version = migrations.length + 1
  return { version, name: `00000${version}_further.sql`, sql, checksum: 'of no file' }
}

/** Everything that a migration may have made. */
async function schemaOf(database: Database): Promise<Row[]> {
  return database.query(`
    select table_name, column_name, data_type, collation_name, is_nullable, column_default, generation_expression,
      is_identity, datetime_precision
    from information_schema.columns where table_schema = 'public'
    union all
    select tablename, indexname, indexdef, null, null, null, null, null, null from pg_indexes where schemaname = 'public'
    union all
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid), null, null, null, null, null, null
    from pg_constraint where connamespace = 'public'::regnamespace
    order by 1, 2, 3`)
}

async function appliedTo(database: Database): Promise<number[]> {
  const rows = await database.query('select version from schema_migrations order by version')
  return rows.map(({ version }) => version)
}

test('migrations are numbered from 1 without a gap, and named by what they bring', () => {
  assert.deepEqual(
    migrations.map(({ version }) => version),
    migrations.map((_, index) => index + 1),
  )
  for (const { name } of migrations) assert.match(name, /^\d{6}_[a-z0-9_]+\.sql$/)
})

test('a migration that was released is as it was: databases that have it cannot take another one', () => {
  const checksums = new Map(migrations.map(({ name, checksum }) => [name, checksum]))
  for (const release of releases) {
    for (const [name, checksum] of Object.entries(release.migrations)) {
      assert.equal(
        checksums.get(name),
        checksum,
        `${name} is not as ${release.version} had it: restore it, and change the schema by a new migration`,
      )
    }
  }
})

test('every release but the newest is in released.json, with its migrations', () => {
  const versions = [...textOf('CHANGELOG.md').matchAll(/^## (\d+\.\d+\.\d+)/gm)].map(([, version]) => version)
  assert.ok(versions.length > 0)
  const listed = releases.map(({ version }) => version)
  const missing = versions.slice(1).filter((version) => !listed.includes(version as string))
  const entry = Object.fromEntries(migrations.map(({ name, checksum }) => [name, checksum]))
  assert.deepEqual(
    missing,
    [],
    `add each to app/migrations/released.json with its commit, as of today: ${JSON.stringify(entry)}`,
  )
})

suite('on a database', () => {
  let fresh: Database
  before(async () => {
    fresh = await createDatabase()
    await apply(fresh, migrations)
  })
  after(() => fresh[Symbol.asyncDispose]())

  for (const from of Array.from({ length: migrations.length }, (_, version) => version)) {
    test(`of version ${from}, migrations lead to the same schema as on an empty one`, async () => {
      await using older = await createDatabase()
      await apply(older, migrations.slice(0, from))
      await apply(older, migrations)
      assert.deepEqual(await schemaOf(older), await schemaOf(fresh))
      assert.deepEqual(await appliedTo(older), await appliedTo(fresh))
    })
  }

  test('several sessions may migrate at once: each migration is applied once', async () => {
    await using database = await createDatabase()
    await Promise.all(Array.from({ length: 8 }, () => apply(database, migrations)))
    assert.deepEqual(await appliedTo(database), await appliedTo(fresh))
    assert.deepEqual(await schemaOf(database), await schemaOf(fresh))
  })

  test('a migration that was applied with other content stops the process with 78, and nothing is changed', async () => {
    await using database = await createDatabase()
    await apply(database, migrations)
    await database.query(`update schema_migrations set checksum = 'other' where version = 1`)
    for (const ROLE of ['migrate', 'all']) {
      const { code, stderr } = await runService({ ROLE, DATABASE_URL: database.url })
      assert.equal(code, 78)
      assert.match(stderr, /^Migration 000001_\w+\.sql was applied with other content: restore the file/)
    }
    assert.deepEqual(await schemaOf(database), await schemaOf(fresh))
  })

  test('a migration is applied as a whole or not at all', async () => {
    await using database = await createDatabase()
    // The second one works, and cannot be recorded.
    for (const rest of ['select 1 / 0', 'drop table schema_migrations']) {
      const broken = further(`create table half (id text); ${rest}`)
      await assert.rejects(apply(database, [...migrations, broken]), StatementRefused)
    }
    assert.deepEqual(await appliedTo(database), await appliedTo(fresh))
    assert.deepEqual(await schemaOf(database), await schemaOf(fresh))
  })

  test('a migration that waits for a lock gives way soon, because all who come behind it wait too', async () => {
    await using database = await createDatabase()
    await apply(database, migrations)
    const longRead = new pg.Client({ connectionString: database.url })
    await longRead.connect()
    await longRead.query('begin')
    await longRead.query('select from data')
    const wide = [...migrations, further('alter table data add column wide text')]
    const startMs = performance.now()
    await assert.rejects(
      apply(database, wide, LOCK_TIMEOUT_MS),
      (error) => error instanceof StatementRefused && error.code === '55P03',
    )
    assert.ok(performance.now() - startMs < LOCK_TIMEOUT_MS + 1000)
    assert.deepEqual(await schemaOf(database), await schemaOf(fresh))
    await longRead.end()
    await apply(database, wide)
    assert.equal((await appliedTo(database)).at(-1), wide.length)
  })
})
