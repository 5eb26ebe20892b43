import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import { createMemoryImports } from '../../src/adapters/memory/memory-imports.ts'
import { createMemoryQueue } from '../../src/adapters/memory/memory-queue.ts'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { parseConfig } from '../../src/config.ts'
import { createApp } from '../../src/http/app.ts'
import { createLifecycle } from '../../src/lifecycle.ts'
import type { LogOutput } from '../../src/log.ts'
import { systemClock as clock } from '../../src/ports/clock.ts'
import type { ItemReader } from '../../src/ports/item-reader.ts'
import type { Store } from '../../src/ports/store.ts'

interface AppOptions {
  /** What is in front of the store in memory. */
  readonly storeOf?: (memory: Store) => Store
  readonly reader?: ItemReader
  /** Is told what is logged as an error. */
  readonly onError?: (fields: unknown) => void
}

const ignore = () => {}

/** The API without a server, until the test's end, and its metrics. */
export async function appOf(
  t: TestContext,
  { storeOf = (memory) => memory, reader, onError = ignore }: AppOptions,
) {
  const bytesMax = 10_000
  const store = storeOf(createMemoryStore({ clock, bytesMax, changesMax: 10, changesRetentionMs: 1000 }))
  const queue = createMemoryQueue({ clock, attemptsMax: 5 })
  const output: LogOutput = {
    log: { debug: ignore, info: ignore, warn: ignore, error: onError, fatal: onError },
    request: ignore,
    droppedBytes: () => 0,
    flush: ignore,
  }
  const registry = new Registry()
  const { app } = await createApp({
    config: parseConfig({}),
    store,
    imports: createMemoryImports({ store, queue, clock, bytesMax }),
    reader,
    dependencies: {},
    state: createLifecycle({}),
    registry,
    output,
    version: '0.0.0',
  })
  t.after(() => app.close())
  return { app, registry }
}
