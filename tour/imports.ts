import type { DatabaseServer } from '../app/test/support/database-server.ts'
import type { Random } from '../app/test/support/random.ts'
import type { Service } from '../app/test/support/service.ts'
import { acceptedImport, bodyOf, succeeds } from '../app/test/support/work/upload.ts'

/** At one time: one alone is no reason for workers. */
export const IMPORTS = 8
/** For what an import does. */
export const IMPORT_SOON = { timeoutMs: 90_000 }

/** NDJSON of so many new items. */
export function importLines(prefix: string, lines: number): string {
  return bodyOf(prefix, lines, (n) => ({ name: `Item ${n}`, tags: ['tour', 'import'] }))
}

/** Sends `IMPORTS` of so many lines each at one time. Resolves to their ids when all have been received. */
export function acceptedImports(service: Service, random: Random, lines: number): Promise<string[]> {
  const bodies = Array.from({ length: IMPORTS }, () => importLines(`import-${random.below(2 ** 32)}`, lines))
  return Promise.all(bodies.map((body) => acceptedImport(service, body)))
}

/** What the database has of imports, whether or not there is a process that tells. */
export interface Progress {
  readonly succeeded: number
  readonly applied: number
  readonly total: number
}

export async function progressOf(database: DatabaseServer, ids: readonly string[]): Promise<Progress> {
  const [row] = await database.query(
    `select count(*) filter (where state = 'succeeded')::int as succeeded,
            sum(lines_applied)::int as applied, sum(lines_total)::int as total
       from imports where id = any($1)`,
    [ids],
  )
  return { succeeded: row?.succeeded, applied: row?.applied, total: row?.total }
}

/** Resolves when a process tells that all have succeeded. */
export async function allSucceed(service: Service, ids: readonly string[]): Promise<void> {
  // One after the other: readers beside them are measured.
  for (const id of ids) await succeeds(service, id, IMPORT_SOON)
}
