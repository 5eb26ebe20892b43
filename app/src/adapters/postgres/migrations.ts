import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { OperatorFault } from '../../domain/errors.ts'
import type { Log } from '../../log.ts'
import { StatementRefused } from './faults.ts'
import type { Session } from './session.ts'
import { statement } from './statements.ts'

const folder = new URL('../../../migrations/', import.meta.url)

/** One numbered step of the schema: a file that never changes once it has been released. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file, in hexadecimal. */
  readonly checksum: string
}

/** The schema is older than this release needs: `ROLE=migrate` has not run yet. */
export class SchemaMissing extends Error {}

/** In order of version. */
export function readMigrations(): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const sql = readFileSync(new URL(name, folder), 'utf8')
      const checksum = createHash('sha256').update(sql).digest('hex')
      return { version: Number.parseInt(name, 10), name, sql, checksum }
    })
}

const schemaVersion = statement('schema-version')

/** Throws `SchemaMissing` when the schema is older than these migrations. A newer one is accepted: releases only expand it. */
export async function checkSchema(session: Session, migrations: readonly Migration[]): Promise<void> {
  const needed = migrations.at(-1)?.version ?? 0
  const found = await foundVersion(session)
  if (found < needed) {
    throw new SchemaMissing(`the schema is at version ${found} and has to be at ${needed}: run ROLE=migrate`)
  }
}

const UNDEFINED_TABLE = '42P01'

async function foundVersion(session: Session): Promise<number> {
  try {
    const [row] = await session.query(schemaVersion)
    return row?.[0] as number
  } catch (fault) {
    if (fault instanceof StatementRefused && fault.code === UNDEFINED_TABLE) return 0
    throw fault
  }
}

const begin = `
  begin;
  -- One migrator at a time, until its transaction ends; it ends with its process, too.
  select pg_advisory_xact_lock(7310002);
  create table if not exists schema_migrations (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
  )`
/** A migration may rewrite a table. The server stays within it, too. */
const MIGRATION_MS_MAX = 3_600_000
const takeTime = `set local statement_timeout = ${MIGRATION_MS_MAX}`
const applied = statement('schema-applied')
const record = statement('schema-record')

/**
 * Applies what is missing, each migration in a transaction of its own, and only ever forward. Safe to run in several
 * processes at once. Throws `OperatorFault` when an applied migration is not the one that is here.
 */
export async function migrate(session: Session, migrations: readonly Migration[], log: Log): Promise<void> {
  while (await applyNext(session, migrations, log));
}

/** Resolves to whether there was one to apply. */
async function applyNext(session: Session, migrations: readonly Migration[], log: Log): Promise<boolean> {
  try {
    await session.script(begin)
    const checksums = new Map((await session.query(applied)) as [number, string][])
    for (const { version, name, checksum } of migrations) {
      const found = checksums.get(version)
      if (found !== undefined && found !== checksum) {
        throw new OperatorFault(
          `Migration ${name} was applied with other content: restore the file as it was released, and change the schema by a new migration.`,
        )
      }
    }
    const next = migrations.find(({ version }) => !checksums.has(version))
    if (next !== undefined) {
      await session.script(`${takeTime};\n${next.sql}`, { timeoutMs: MIGRATION_MS_MAX })
      await session.query(record, [next.version, next.name, next.checksum])
    }
    await session.script('commit')
    if (next !== undefined) log.info({ migration: next.name }, 'schema migrated')
    return next !== undefined
  } catch (fault) {
    if (session.isOpen) await session.script('rollback')
    throw fault
  }
}
