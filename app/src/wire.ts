import { type Config, ConfigError } from './config.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { systemClock } from './ports/clock.ts'
import type { DependencyStatus } from './ports/dependency.ts'
import type { Imports } from './ports/imports.ts'
import type { ItemReader } from './ports/item-reader.ts'
import type { Store } from './ports/store.ts'

/** Where the data is, and the quick way to it. */
export interface Data {
  readonly store: Store
  readonly imports: Imports
  /** Undefined without a cache: then the store itself is read. */
  readonly reader: ItemReader | undefined
  /** By the name that `/health` has for it. */
  readonly dependencies: Readonly<Record<string, () => DependencyStatus>>
}

/**
 * The only file that names concrete adapters. Each is imported when its variable is set, so that a tier never loads
 * what only a higher one needs.
 */
export async function wireData(config: Config, registry: Metrics, log: Log): Promise<Data> {
  refuseWhatIsNotThereYet(config)
  const { store, imports } = await wireStore(config, registry, log)
  if (!config.capabilities.includes('cache')) {
    return { store, imports, reader: undefined, dependencies: { store: store.status } }
  }
  const [{ createCaching, itemLifetimeMs }, { createRedisCache }] = await Promise.all([
    import('./cache/caching.ts'),
    import('./adapters/redis/redis-cache.ts'),
  ])
  const feedId = () => store.feed.id
  const lifetimeMs = itemLifetimeMs(config)
  const cache = createRedisCache({ config, registry, log, feedId, lifetimeMs })
  const dependencies = { store: store.status, cache: cache.status }
  return { ...createCaching(store, cache, config, registry), imports, dependencies }
}

async function wireStore(
  config: Config,
  registry: Metrics,
  log: Log,
): Promise<Pick<Data, 'store' | 'imports'>> {
  if (config.tier === 1) {
    const [{ createMemoryStore }, { createMemoryImports }] = await Promise.all([
      import('./adapters/memory/memory-store.ts'),
      import('./adapters/memory/memory-imports.ts'),
    ])
    const store = createMemoryStore({
      clock: systemClock,
      bytesMax: config.MEMORY_STORE_BYTES_MAX,
      changesMax: config.MEMORY_CHANGES_MAX,
      changesRetentionMs: config.CHANGES_RETENTION_MS,
    })
    const bytesMax = config.MEMORY_STORE_BYTES_MAX
    return { store, imports: createMemoryImports({ store, clock: systemClock, bytesMax }) }
  }
  const { createPostgresStore } = await import('./adapters/postgres/postgres-store.ts')
  return createPostgresStore({ config, registry, log })
}

/** What `ROLE=migrate` does. */
export async function wireMigrations(config: Config, log: Log): Promise<() => Promise<void>> {
  refuseWhatIsNotThereYet(config)
  const { migrateDatabase } = await import('./adapters/postgres/migrate-database.ts')
  return () => migrateDatabase({ config, log, signal: AbortSignal.timeout(config.MIGRATE_TIMEOUT_MS) })
}

function refuseWhatIsNotThereYet({ capabilities, ROLE }: Config): void {
  const faults = []
  if (capabilities.includes('queue'))
    faults.push('QUEUE_URL: expected not to be set: this release has no queue')
  if (ROLE === 'worker')
    faults.push('ROLE: expected `all`, `api` or `migrate`: this release has no work for workers')
  if (faults.length > 0) throw new ConfigError(faults)
}
