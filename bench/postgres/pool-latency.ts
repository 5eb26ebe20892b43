// A process of its own: takes one item after the other from the store and from `pg.Pool`, in turn, and prints how long
// each took as one line of JSON.

import { randomInt } from 'node:crypto'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { statement } from '../../app/src/adapters/postgres/statements.ts'
import { bigintArray, idArray, textArray } from '../../app/src/adapters/postgres/text-array.ts'
import { parseConfig } from '../../app/src/config.ts'
import { createLog } from '../../app/src/log.ts'
import { createMetrics } from '../../app/src/metrics.ts'
import { currentRelease } from '../../app/src/release.ts'
import { wireData } from '../../app/src/wire.ts'
import { percentile } from '../statistics.ts'
import { itemId, itemValue } from './key-space.ts'
import { SESSION_OPTIONS } from './pgbench.ts'

/** Medians over all operations. */
export interface PoolLatency {
  readonly operations: number
  readonly get: { readonly storeP50Ms: number; readonly poolP50Ms: number }
  readonly put: { readonly storeP50Ms: number; readonly poolP50Ms: number }
}

/** What is used of `pg`, which is the app's dependency and not this folder's. */
interface Pool {
  query(query: { name: string; text: string; values: unknown[] }): Promise<{ rows: readonly object[] }>
  end(): Promise<void>
}
type PoolConstructor = new (options: { connectionString: string; max: number; options: string }) => Pool
const { Pool }: { Pool: PoolConstructor } = createRequire(new URL('../../app/package.json', import.meta.url))(
  'pg',
)

/** Operations of one kind before the next kind has its turn. */
const TURN = 50
const WARM_UP_TURNS = 10

const text = { type: 'string' } as const
const { values } = parseArgs({ options: { url: text, items: text, turns: text } })
const { url = '', items = '1', turns = '1' } = values

const config = parseConfig({ DATABASE_URL: url, LOG_LEVEL: 'error' })
const output = createLog(config.LOG_LEVEL)
const { store } = await wireData(config, createMetrics(config, currentRelease(), output), output.log)
await store.start(new AbortController().signal)
const pool = new Pool({
  connectionString: url,
  max: config.DATABASE_POOL_MAX,
  options: SESSION_OPTIONS,
})
const [read, write] = [statement('read'), statement('write')]
const caller = { left: false, deadlineMs: Number.POSITIVE_INFINITY }

const kinds = {
  storeGet: (id: string) => store.get(id, caller),
  poolGet: (id: string) => pool.query({ ...read, values: [idArray([id])] }),
  storePut: (id: string) => store.put(id, itemValue(id), undefined, caller),
  poolPut: (id: string) =>
    pool.query({
      ...write,
      values: [idArray([id]), textArray([itemValue(id)]), bigintArray([null]), textArray([null]), true],
    }),
}
const names = ['storeGet', 'poolGet', 'storePut', 'poolPut'] as const
const took: Record<(typeof names)[number], number[]> = {
  storeGet: [],
  poolGet: [],
  storePut: [],
  poolPut: [],
}

for (let n = -WARM_UP_TURNS; n < Number(turns); n += 1) {
  for (const name of n % 2 === 0 ? names : names.toReversed()) {
    for (let left = TURN; left > 0; left -= 1) {
      const id = itemId(randomInt(Number(items)))
      const startedMs = performance.now()
      await kinds[name](id)
      if (n >= 0) took[name].push(performance.now() - startedMs)
    }
  }
}
await Promise.all([store.close(), pool.end()])

const p50Ms = (name: (typeof names)[number]): number => percentile(took[name], 0.5)
const result: PoolLatency = {
  operations: took.storeGet.length,
  get: { storeP50Ms: p50Ms('storeGet'), poolP50Ms: p50Ms('poolGet') },
  put: { storeP50Ms: p50Ms('storePut'), poolP50Ms: p50Ms('poolPut') },
}
process.stdout.write(`${JSON.stringify(result)}\n`)
