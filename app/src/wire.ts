import type { Config } from './config.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { systemClock } from './ports/clock.ts'
import type { DependencyStatus } from './ports/dependency.ts'
import type { Imports } from './ports/imports.ts'
import type { ItemReader } from './ports/item-reader.ts'
import type { Outbox } from './ports/outbox.ts'
import type { DeadLetters, Queue } from './ports/queue.ts'
import type { Store } from './ports/store.ts'

/** Where the data is, the quick way to it, and the way to who works on it. */
export interface Data {
  readonly store: Store
  readonly imports: Imports
  /** Undefined without a cache: then the store itself is read. */
  readonly reader: ItemReader | undefined
  /** Where workers find their messages. */
  readonly queue: Queue
  /** Messages on their way to the queue; undefined where they are in it as soon as they are committed. */
  readonly outbox: Outbox | undefined
  /** By the name that `/health` has for it. */
  readonly dependencies: Readonly<Record<string, () => DependencyStatus>>
}

type Stored = Pick<Data, 'store' | 'imports' | 'queue' | 'outbox'>

/**
 * The only file that names concrete adapters. Each is imported when its variable is set, so that a tier never loads
 * what only a higher one needs.
 */
export async function wireData(config: Config, registry: Metrics, log: Log): Promise<Data> {
  const stored = config.tier === 1 ? await wireMemory(config) : await wirePostgres(config, registry, log)
  const queued = config.capabilities.includes('queue') ? await wireSqs(config, registry, log) : undefined
  const dependencies = { store: stored.store.status, ...(queued && { queue: queued.status }) }
  const data = { ...stored, ...(queued ? { queue: queued } : { outbox: undefined }), dependencies }
  if (!config.capabilities.includes('cache')) return { ...data, reader: undefined }
  return wireCache(data, config, registry, log)
}

async function wireMemory(config: Config): Promise<Stored> {
  const [{ createMemoryStore }, { createMemoryImports }, { createMemoryQueue }] = await Promise.all([
    import('./adapters/memory/memory-store.ts'),
    import('./adapters/memory/memory-imports.ts'),
    import('./adapters/memory/memory-queue.ts'),
  ])
  const bytesMax = config.MEMORY_STORE_BYTES_MAX
  const store = createMemoryStore({
    clock: systemClock,
    bytesMax,
    changesMax: config.MEMORY_CHANGES_MAX,
    changesRetentionMs: config.CHANGES_RETENTION_MS,
  })
  const queue = createMemoryQueue({ clock: systemClock, attemptsMax: config.QUEUE_RECEIVES_MAX })
  const imports = createMemoryImports({ store, queue, clock: systemClock, bytesMax })
  return { store, imports, queue, outbox: undefined }
}

async function wirePostgres(config: Config, registry: Metrics, log: Log): Promise<Stored> {
  const { createPostgresStore } = await import('./adapters/postgres/postgres-store.ts')
  return createPostgresStore({ config, registry, log })
}

async function wireSqs(config: Config, registry: Metrics, log: Log): Promise<Queue> {
  const { createSqsQueue } = await import('./adapters/sqs/sqs-queue.ts')
  return createSqsQueue({ config, registry, log })
}

async function wireCache(
  data: Omit<Data, 'reader'>,
  config: Config,
  registry: Metrics,
  log: Log,
): Promise<Data> {
  const [{ createCaching, itemLifetimeMs }, { createRedisCache }] = await Promise.all([
    import('./cache/caching.ts'),
    import('./adapters/redis/redis-cache.ts'),
  ])
  const { store, dependencies } = data
  const feedId = () => store.feed.id
  const lifetimeMs = itemLifetimeMs(config)
  const cache = createRedisCache({ config, registry, log, feedId, lifetimeMs })
  return {
    ...data,
    ...createCaching(store, cache, config, registry),
    dependencies: { ...dependencies, cache: cache.status },
  }
}

export interface WiredDeadLetters extends AsyncDisposable {
  readonly deadLetters: DeadLetters
}

/** What workers have given up: in SQS, or else in PostgreSQL. */
export async function wireDeadLetters(
  config: Config,
  registry: Metrics,
  log: Log,
): Promise<WiredDeadLetters> {
  if (config.capabilities.includes('queue')) {
    const { deadLetters, close } = await wireSqs(config, registry, log)
    return { deadLetters, [Symbol.asyncDispose]: async () => close() }
  }
  const { store, queue } = await wirePostgres(config, registry, log)
  await store.start(AbortSignal.timeout(config.DATABASE_TIMEOUT_MS))
  return { deadLetters: queue.deadLetters, [Symbol.asyncDispose]: store.close }
}

/** What `ROLE=migrate` does. */
export async function wireMigrations(config: Config, log: Log): Promise<() => Promise<void>> {
  const { migrateDatabase } = await import('./adapters/postgres/migrate-database.ts')
  const signal = AbortSignal.timeout(config.MIGRATE_TIMEOUT_MS)
  return async () => {
    await migrateDatabase({ config, log, signal })
    if (!config.QUEUE_CREATE) return
    const { createQueue } = await import('./adapters/sqs/create-queue.ts')
    await createQueue({ config, log, signal })
  }
}
