import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../../config.ts'
import { backoffMs } from '../../domain/backoff.ts'
import { OperatorFault } from '../../domain/errors.ts'
import type { Log } from '../../log.ts'
import { createOutageLog, type OutageLog } from '../outage-log.ts'
import { addressOf } from './address.ts'
import { StatementRefused } from './faults.ts'
import { migrate, readMigrations } from './migrations.ts'
import { permanentFault } from './permanent-faults.ts'
import { openSession } from './session.ts'

/** DDL that waits for a lock makes everybody behind it wait, so it gives way and comes back. */
const LOCK_TIMEOUT_MS = 3000
const RETRY = { baseMs: 100, maxMs: 2000 }
/**
 * Classes of SQLSTATE that say nothing against a migration: no connection, a server that turns read-only or stops, locks
 * and deadlocks, resources (a full disk, too many connections), input and output.
 */
const PASSES = ['08', '25', '40', '53', '55', '57', '58']

export interface MigrateOptions {
  readonly config: Config
  readonly log: Log
  readonly signal: AbortSignal
  /** Is told why it takes so long. */
  readonly outage?: OutageLog
}

/**
 * Brings the schema up to this release, as soon as the database can be reached. Throws `OperatorFault` for what waiting
 * does not mend, and when `signal` aborts before that.
 */
export async function migrateDatabase(options: MigrateOptions): Promise<void> {
  const { config, log, signal, outage = createOutageLog(log, 'database') } = options
  const migrations = readMigrations()
  for (let attempt = 0; ; attempt++) {
    try {
      const session = await openSession({
        address: addressOf(config),
        connectTimeoutMs: config.DATABASE_TIMEOUT_MS,
        timeoutMs: LOCK_TIMEOUT_MS + config.DATABASE_TIMEOUT_MS,
        lockTimeoutMs: LOCK_TIMEOUT_MS,
      })
      try {
        await migrate(session, migrations, log)
      } finally {
        await session.close()
      }
      outage.over()
      return
    } catch (error) {
      outage.goesOn(error as Error)
      const permanent = permanentFault(error) ?? refusal(error)
      if (permanent !== undefined) throw permanent
      if (signal.aborted) throw gaveUp(error)
      await delay(backoffMs(attempt, RETRY), undefined, { signal }).catch(() => {})
    }
  }
}

/** A migration that PostgreSQL refuses for its own sake is refused again. */
function refusal(error: unknown): OperatorFault | undefined {
  if (!(error instanceof StatementRefused) || PASSES.includes(error.code.slice(0, 2))) return undefined
  return new OperatorFault(`The schema could not be migrated, and is as it was before. ${error.message}`)
}

function gaveUp(error: unknown): OperatorFault {
  const reason = (error as Error).message
  return new OperatorFault(
    `The database could not be reached in time: start it, or correct DATABASE_URL. ${reason}`,
  )
}
