import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../../config.ts'
import { itemOf } from '../../domain/item.ts'
import type { Log } from '../../log.ts'
import type { Metrics } from '../../metrics.ts'
import type { DependencyStatus } from '../../ports/dependency.ts'
import type { Imports } from '../../ports/imports.ts'
import type { Outbox } from '../../ports/outbox.ts'
import type { Queue } from '../../ports/queue.ts'
import type { Refused, Store } from '../../ports/store.ts'
import { createOutageLog } from '../outage-log.ts'
import { addressOf } from './address.ts'
import { createDatabaseMetrics, type Kind } from './database-metrics.ts'
import { createItemWrites } from './item-writes.ts'
import type { LaneOptions } from './lanes.ts'
import { createLists } from './lists.ts'
import { migrateDatabase } from './migrate-database.ts'
import { checkSchema, readMigrations, SchemaMissing } from './migrations.ts'
import { permanentFault } from './permanent-faults.ts'
import { createPool } from './pool.ts'
import { createPostgresFeed } from './postgres-feed.ts'
import { createPostgresImports } from './postgres-imports.ts'
import { createPostgresMessages } from './postgres-messages.ts'
import { createPruning } from './pruning.ts'
import { createReads } from './reads.ts'
import { createRelay } from './relay.ts'
import { openSession, type Session, UnfitServer } from './session.ts'
import { createWholeBatches } from './whole-batches.ts'
import { type Met, NEVER_EXISTED, writeOf } from './writes.ts'

export interface PostgresStoreOptions {
  readonly config: Config
  readonly registry: Metrics
  readonly log: Log
}

/** The store, and what else is in the same database. */
export interface PostgresStore {
  readonly store: Store
  readonly imports: Imports
  /** The messages of imports, as a queue by themselves or as the outbox of another one. */
  readonly queue: Queue
  readonly outbox: Outbox
}

/** A locked row holds its batch up for so long, and then only itself. */
const LOCK_TIMEOUT_MS = 100
const FIRST_ROUND_RETRY_MS = 200
/** Rounds of the relay wait for each other. */
const RELAY_LOCK_TIMEOUT_MS = 1000

/**
 * The store in PostgreSQL. Every operation goes through a batcher; no more than half of the sessions serve one kind of
 * them, so that slow writes leave room for reads. The feed has a session of its own.
 */
export function createPostgresStore({ config, registry, log }: PostgresStoreOptions): PostgresStore {
  const migrations = readMigrations()
  const outage = createOutageLog(log, 'database')
  let hasStarted = false
  let latencyMs: number | null = null

  async function open(lockTimeoutMs: number): Promise<Session> {
    const session = await openSession({
      address: addressOf(config),
      connectTimeoutMs: config.DATABASE_TIMEOUT_MS,
      timeoutMs: config.DATABASE_TIMEOUT_MS,
      lockTimeoutMs,
      onRoundTrip(ms) {
        latencyMs = Math.round(ms * 1000) / 1000
      },
    })
    try {
      await checkSchema(session, migrations)
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  const pool = createPool({
    size: config.DATABASE_POOL_MAX,
    open: () => open(LOCK_TIMEOUT_MS),
    permanentFault,
    onConnected() {
      outage.over()
      feedPool.hurry()
    },
    onDisconnected: outage.goesOn,
  })
  const feedPool = createPool({ size: 1, open: () => open(RELAY_LOCK_TIMEOUT_MS), permanentFault })
  const relay = createRelay(feedPool)
  const pruning = createPruning(feedPool, config.CHANGES_RETENTION_MS)
  const metrics = createDatabaseMetrics(registry, {
    sessions: () => pool.sessions + feedPool.sessions,
    waiting: () => ({
      read: reads.waiting,
      write: writes.waiting,
      batch: batches.waiting,
      list: lists.waiting,
      feed: feed.waiting,
      import: imports.waiting,
    }),
    feedPosition: () => relay.lastPosition,
  })
  const lanesMax = Math.ceil(config.DATABASE_POOL_MAX / 2)
  const lanesOf = (kind: Kind): LaneOptions => ({ pool, lanesMax, onBatch: metrics.batchesOf(kind) })
  const reads = createReads(lanesOf('read'))
  const writes = createItemWrites(lanesOf('write'), relay.committed)
  const batches = createWholeBatches(lanesOf('batch'), relay.committed)
  const lists = createLists(lanesOf('list'))
  const messages = createPostgresMessages(pool, config.QUEUE_RECEIVES_MAX)
  const imports = createPostgresImports(lanesOf('import'), {
    changes: relay.committed,
    message: messages.committed,
  })
  const feed = createPostgresFeed({ pool: feedPool, lanesMax: 1, onBatch: metrics.batchesOf('feed') }, relay)

  function status(): DependencyStatus {
    if (pool.isConnected) return { state: hasStarted ? 'ok' : 'starting', latencyMs }
    return { state: hasStarted ? 'unavailable' : 'starting', latencyMs, ...detailOf(outage.reason) }
  }

  async function reach(signal: AbortSignal): Promise<void> {
    if (config.ROLE === 'all') await migrateDatabase({ config, log, signal, outage })
    if (signal.aborted) return
    await Promise.all([pool.start(), feedPool.start()])
    await firstRound(signal)
    if (signal.aborted) return
    relay.start()
    pruning.start()
    hasStarted = true
  }

  /** The database may go away again at any moment. */
  async function firstRound(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await relay.round()
      } catch {
        await delay(FIRST_ROUND_RETRY_MS)
      }
    }
  }

  const store: Store = {
    feed,
    get: async (id, caller) => itemOf(await reads.add(id, caller)),
    getEntry: reads.add,

    async put(id, value, ifVersion, caller) {
      const answer = await writes.add(writeOf({ op: 'put', id, value, ifVersion }), caller)
      if (!answer.ok) return refused(answer)
      const { version, created, createdAtMs, updatedAtMs } = answer
      return { ok: true, item: { id, value, version, createdAtMs, updatedAtMs }, created }
    },

    async create(id, value, fingerprint, caller) {
      const write = { id, value, condition: NEVER_EXISTED, fingerprint: fingerprint ?? null }
      const answer = await writes.add(write, caller)
      if (!answer.ok) return { ok: false, fingerprint: answer.fingerprint, createdAtMs: answer.createdAtMs }
      const { version, createdAtMs, updatedAtMs } = answer
      return { ok: true, item: { id, value, version, createdAtMs, updatedAtMs } }
    },

    async delete(id, ifVersion, caller) {
      const answer = await writes.add(writeOf({ op: 'delete', id, ifVersion }), caller)
      return answer.ok ? { ok: true, version: answer.version } : refused(answer)
    },

    list: lists.add,
    batch: batches.add,
    status,

    async start(signal) {
      const { promise: abandoned, resolve } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => resolve())
      await Promise.race([reach(signal), abandoned])
    },

    async close() {
      relay.close()
      pruning.close()
      await Promise.all([pool.close(), feedPool.close()])
    },
  }
  return { store, imports, queue: messages.queue, outbox: messages.outbox }
}

/** In our words alone: what a driver or a server says may name hosts and users. */
function detailOf(reason: Error | undefined): { detail?: string } {
  if (reason === undefined) return {}
  const isOurs = reason instanceof SchemaMissing || reason instanceof UnfitServer
  return { detail: isOurs ? reason.message : 'the database cannot be reached' }
}

function refused({ currentVersion }: Met): Refused {
  return { ok: false, currentVersion }
}
