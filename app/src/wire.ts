import { type Config, ConfigError } from './config.ts'
import { systemClock } from './ports/clock.ts'
import type { Store } from './ports/store.ts'

/**
 * The only file that names concrete adapters. Each is imported when its variable is set, so that a tier never loads
 * what only a higher one needs.
 */
export async function wireStore(config: Config): Promise<Store> {
  if (config.tier !== 1) {
    throw new ConfigError([
      'DATABASE_URL: expected not to be set: this release keeps its data in memory only',
    ])
  }
  const { createMemoryStore } = await import('./adapters/memory/memory-store.ts')
  return createMemoryStore({
    clock: systemClock,
    bytesMax: config.MEMORY_STORE_BYTES_MAX,
    changesMax: config.MEMORY_CHANGES_MAX,
    changesRetentionMs: config.CHANGES_RETENTION_MS,
  })
}
