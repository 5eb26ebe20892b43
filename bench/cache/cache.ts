import { itemLifetimeMs } from '../../app/src/cache/caching.ts'
import { parseConfig } from '../../app/src/config.ts'
import { startRedisServer } from '../../app/test/support/redis.ts'
import { getItem } from '../item-requests.ts'
import { loadOf } from '../load.ts'
import { databaseWorkload, MIX_PUT_EVERY } from '../postgres/key-space.ts'
import type { Server } from '../postgres/server.ts'
import { service, serviceOn, serviceWith } from '../subjects.ts'
import type { Workload } from '../workloads.ts'
import { runWrk } from '../wrk.ts'
import { type DatabaseUse, useOf } from './database-use.ts'
import { type InTurnPlan, inTurn, type Measured } from './in-turn.ts'
import { type RedisInfo, redisInfo } from './redis-info.ts'
import { rowsOfLifetimes, skewedWorkload } from './skewed-workload.ts'

/** `ratio` is always the cache's figure as a part of the other. */
export interface CacheMeasured {
  readonly connections: number
  readonly items: number
  /** GETs of a few items: of requests per CPU-second. */
  readonly hot: { readonly tier1: Measured; readonly near: Measured; readonly ratio: number }
  /** GETs of many items: of the service's CPU time for each. */
  readonly reads: {
    readonly store: Measured
    readonly redis: Measured
    readonly ratio: number
    /** While Redis answered. */
    readonly meanwhile: DatabaseUse
  }
  /** PUTs: of requests per second. */
  readonly writes: { readonly store: Measured; readonly cached: Measured; readonly ratio: number }
  readonly mix: Mix
  /** The targets that were missed, in words. */
  readonly faults: readonly string[]
}

export interface Mix extends Measured {
  readonly redis: RedisInfo
  readonly lifetimeMs: number
  /** Rows a GET, at most, that would come to it in a run that is longer than a lifetime. */
  readonly rowsOfLifetimes: number
}

export interface CachePlan extends InTurnPlan {
  /** So few that Redis holds all of them with ease. */
  readonly readItems: number
  /** Of the skewed mix. */
  readonly items: number
}

const TARGETS = { hotMin: 0.85, redisMax: 1.2, rowsMax: 0.05 }
/** Of hot reads, how many are to be near hits: an entry is read anew four times a second. */
const NEAR_SHARE_MIN = 0.99
/** Of the items that `SEED_DATA` puts into an empty store. */
const hotIds = Array.from({ length: 10 }, (_, n) => String(n + 1))
/** Sessions of the database report a second late. */
const MEANWHILE_ROUNDS = 2

/**
 * What the cache saves and costs: hot reads beside tier 1, reads that Redis answers beside reads of the database, writes
 * with and without it, and a mix of reads and writes in which some items are asked for more than others. `server` has
 * the databases; each Redis is an empty one.
 */
export async function cache(
  server: Server,
  plan: CachePlan,
  dir: string,
  progress: (text: string) => void,
): Promise<CacheMeasured> {
  progress('cache: hot reads')
  const hot = await hotReads(server, plan, dir)
  const { reads, writes } = await besideTheStore(server, plan, dir, progress)
  progress('cache: a skewed mix')
  const mix = await skewedMix(server, plan, dir)
  const measured = { connections: plan.connections, items: plan.items, hot, reads, writes, mix }
  return { ...measured, faults: faultsOf(measured) }
}

/** By a service with its cache and by one at tier 1, in turn on one processor, apart from the load. */
async function hotReads(server: Server, plan: CachePlan, dir: string): Promise<CacheMeasured['hot']> {
  const { url } = await server.createDatabase('bench_cache_hot', 0)
  await using redis = await startRedisServer()
  const env = { DATABASE_URL: url, REDIS_URL: redis.url, SEED_DATA: 'true' }
  await using tier1 = await service.start(dir)
  await using cached = await serviceWith(env, 'cached', 'server').start(dir)
  const hot: Workload = { name: 'hot', status: 200, requests: hotIds.map(getItem) }
  const subjects = [tier1, cached]
  const turns = { subjects, warmUp: hot, workload: () => hot, side: 'load' } as const
  const [one, other] = await pair(inTurn(server, turns, plan, dir))
  return { tier1: one, near: other, ratio: one.median.cpuUs / other.median.cpuUs }
}

/**
 * Beside a service without a cache. `no-cache` reads of the same service would flatter Redis: their answers are told to
 * it. Each service has a database of its own, so that nobody repairs or relays what the other writes.
 */
async function besideTheStore(
  server: Server,
  plan: CachePlan,
  dir: string,
  progress: (text: string) => void,
): Promise<Pick<CacheMeasured, 'reads' | 'writes'>> {
  const plain = await server.createDatabase('bench_cache_store', plan.readItems)
  const cached = await server.createDatabase('bench_cache_reads', plan.readItems)
  await using redis = await startRedisServer()
  await using store = await serviceOn(plain.url, 'store').start(dir)
  const env = { DATABASE_URL: cached.url, REDIS_URL: redis.url }
  const settled = async () => {
    for (const database of [plain, cached]) await database.settled()
  }
  const turns = (name: 'get' | 'put') => ({
    warmUp: databaseWorkload(name, plan.readItems),
    workload: () => databaseWorkload(name, plan.readItems),
    side: 'anywhere' as const,
    settled,
  })

  async function reads(): Promise<CacheMeasured['reads']> {
    progress('cache: reads')
    await using far = await serviceWith({ ...env, CACHE_NEAR_BYTES_MAX: '0' }, 'redis').start(dir)
    const subjects = [store, far]
    const [one, other] = await pair(inTurn(server, { ...turns('get'), subjects }, plan, dir))
    const { file } = await loadOf(far, databaseWorkload('get', plan.readItems), dir)
    const longer = { ...plan, seconds: MEANWHILE_ROUNDS * plan.seconds }
    const meanwhile = await useOf(cached, () => runWrk(far.origin, file, longer, 'anywhere'))
    return { store: one, redis: other, ratio: other.median.cpuUs / one.median.cpuUs, meanwhile }
  }

  async function writes(): Promise<CacheMeasured['writes']> {
    progress('cache: writes')
    await using told = await serviceWith(env, 'cached').start(dir)
    const subjects = [store, told]
    const [one, other] = await pair(inTurn(server, { ...turns('put'), subjects }, plan, dir))
    const ratio = other.median.requestsPerSecond / one.median.requestsPerSecond
    return { store: one, cached: other, ratio }
  }

  return { reads: await reads(), writes: await writes() }
}

/** After everybody has read each item once. */
async function skewedMix(server: Server, plan: CachePlan, dir: string): Promise<Mix> {
  const { items } = plan
  const { url } = await server.createDatabase('bench_cache_mix', items)
  await using redis = await startRedisServer()
  const env = { DATABASE_URL: url, REDIS_URL: redis.url }
  await using mixed = await serviceWith(env, 'mix').start(dir)
  const warmUp = databaseWorkload('get', items)
  const workload = () => skewedWorkload(items)
  const turns = { subjects: [mixed], warmUp, workload, side: 'anywhere' } as const
  const [measured] = (await inTurn(server, turns, plan, dir)) as [Measured]
  const getsPerSecond = measured.median.requestsPerSecond * (1 - 1 / MIX_PUT_EVERY)
  const lifetimeMs = itemLifetimeMs(parseConfig(env))
  return {
    ...measured,
    redis: await redisInfo(redis),
    lifetimeMs,
    rowsOfLifetimes: rowsOfLifetimes(items, getsPerSecond, lifetimeMs),
  }
}

async function pair(measured: Promise<Measured[]>): Promise<readonly [Measured, Measured]> {
  return (await measured) as [Measured, Measured]
}

function faultsOf({ hot, reads, mix }: Omit<CacheMeasured, 'faults'>): string[] {
  const { hotMin, redisMax, rowsMax } = TARGETS
  const faults: string[] = []
  const near = hot.near.median.levels?.near ?? 0
  if (near < NEAR_SHARE_MIN)
    faults.push(`${near.toFixed(3)} of the hot reads were near hits, not ${NEAR_SHARE_MIN}`)
  if (hot.ratio < hotMin) faults.push(`a hot read was ${hot.ratio.toFixed(2)} of tier 1, not ${hotMin}`)
  if (reads.ratio > redisMax) {
    faults.push(
      `a read that Redis answers cost ${reads.ratio.toFixed(2)} of an uncached one, not ${redisMax}`,
    )
  }
  const rowsRead = reads.redis.rounds.reduce((sum, { levels }) => sum + (levels?.rowsRead ?? 0), 0)
  if (rowsRead > 0) faults.push(`${rowsRead} rows were read while Redis had all of them`)
  const rows = (mix.median.levels?.rows ?? 0) + mix.rowsOfLifetimes
  if (rows > rowsMax) {
    faults.push(`the database saw ${rows.toFixed(3)} of the mix's reads, not ${rowsMax}`)
  }
  return faults
}
