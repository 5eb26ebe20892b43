import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startRedis } from '../../local/redis.ts'
import { databaseWorkload } from '../postgres/key-space.ts'
import type { Server } from '../postgres/server.ts'
import { cpuSeconds } from '../process-usage.ts'
import { median } from '../statistics.ts'
import { type Running, service, serviceOn, serviceWith } from '../subjects.ts'
import { throughput } from '../throughput.ts'
import { type Workload, writeRequests } from '../workloads.ts'
import { runWrk } from '../wrk.ts'
import { type Counts, countsOf, type Levels, levelsBetween } from './levels.ts'
import { skewedWorkload } from './skewed-workload.ts'

/** What one subject did in one round. */
export interface Round {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the service's process for each request. */
  readonly cpuUs: number
  readonly levels: Levels
}

export interface Measured {
  readonly subject: string
  readonly median: Round
  readonly rounds: readonly Round[]
}

export interface CacheMeasured {
  readonly connections: number
  readonly items: number
  /** Requests per CPU-second: of a tier 1 GET, of a near hit, and the near hits' share of its answers. */
  readonly hot: {
    readonly tier1: number
    readonly near: number
    readonly ratio: number
    readonly share: number
  }
  readonly reads: { readonly store: Measured; readonly redis: Measured; readonly ratio: number }
  readonly writes: { readonly store: Measured; readonly cached: Measured }
  readonly mix: Measured
  /** The targets that were missed, in words. */
  readonly faults: readonly string[]
}

export interface CachePlan {
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  /** Of the skewed mix. */
  readonly items: number
}

const targets = { hotMin: 0.85, redisMax: 1.2, rowsMax: 0.05 }
/** So few that all of them are in Redis after a pass. */
const readItems = 20_000
const warmUpSeconds = 4
const mixWarmUpSeconds = 15
/** Of a hot read, how many are to be near hits: an entry is read anew four times a second. */
const nearShareMin = 0.98

/**
 * What the cache saves and costs: hot reads beside tier 1, reads that Redis answers beside reads of the database, writes
 * with and without it, and a mix of reads and writes in which some items are asked for more than others. `server` has
 * the database; Redis is started as the launcher does.
 */
export async function cache(
  server: Server,
  plan: CachePlan,
  dir: string,
  progress: (text: string) => void,
): Promise<CacheMeasured> {
  const folder = join(dir, 'redis')
  await mkdir(folder)
  const redis = await startRedis({ folder })
  const redisUrl = `redis://127.0.0.1:${redis.port}`
  try {
    progress('cache: hot reads')
    const hot = await hotReads(server, redisUrl, plan, dir)
    progress('cache: reads and writes beside the database')
    const { reads, writes } = await besideTheStore(server, redisUrl, plan, dir)
    progress('cache: a skewed mix')
    const mix = await skewedMix(server, redisUrl, plan, dir)
    const measured = { connections: plan.connections, items: plan.items, hot, reads, writes, mix }
    return { ...measured, faults: faultsOf(measured) }
  } finally {
    await redis.stop()
  }
}

/** One item at a time, by a service with its cache and by one at tier 1, each on a core of its own. */
async function hotReads(server: Server, redisUrl: string, plan: CachePlan, dir: string) {
  const { url } = await server.createDatabase('bench_cache_hot', 0)
  const env = { DATABASE_URL: url, REDIS_URL: redisUrl, SEED_DATA: 'true' }
  await using tier1 = await service.start(dir)
  await using cached = await serviceWith(env, 'cached', 'server').start(dir)
  const before = await countsOf(cached.origin)
  const cells = await throughput(
    [tier1, cached],
    { ...plan, workloads: ['get'], connections: [plan.connections] },
    dir,
    () => {},
  )
  const { near } = levelsBetween(before, await countsOf(cached.origin))
  const [first = Number.NaN, second = Number.NaN] = cells.map((cell) => cell.median.requestsPerCpuSecond)
  return { tier1: first, near: second, ratio: second / first, share: near }
}

async function besideTheStore(server: Server, redisUrl: string, plan: CachePlan, dir: string) {
  const database = await server.createDatabase('bench_cache_reads', readItems)
  const env = { DATABASE_URL: database.url, REDIS_URL: redisUrl }
  await using store = await serviceOn(database.url, 'store').start(dir)
  await using redis = await serviceWith({ ...env, CACHE_NEAR_BYTES_MAX: '0' }, 'redis').start(dir)
  await using cached = await serviceWith(env, 'cached').start(dir)
  const measure = (subjects: readonly Running[], workload: Workload) =>
    inTurn(subjects, workload, plan, dir, warmUpSeconds)
  const reads = await measure([store, redis], databaseWorkload('get', readItems))
  const writes = await measure([store, cached], databaseWorkload('put', readItems))
  await database.settled()
  const [fromStore, fromRedis] = reads as [Measured, Measured]
  const [plain, told] = writes as [Measured, Measured]
  return {
    reads: { store: fromStore, redis: fromRedis, ratio: fromRedis.median.cpuUs / fromStore.median.cpuUs },
    writes: { store: plain, cached: told },
  }
}

async function skewedMix(server: Server, redisUrl: string, plan: CachePlan, dir: string): Promise<Measured> {
  const database = await server.createDatabase('bench_cache_mix', plan.items)
  const env = { DATABASE_URL: database.url, REDIS_URL: redisUrl }
  await using cached = await serviceWith(env, 'mix').start(dir)
  const [measured] = await inTurn([cached], skewedWorkload(plan.items), plan, dir, mixWarmUpSeconds)
  return measured as Measured
}

/** Measures every subject in turn within each round. Throws when a request fails. */
async function inTurn(
  subjects: readonly Running[],
  workload: Workload,
  { connections, rounds, seconds }: CachePlan,
  dir: string,
  warmUp: number,
): Promise<Measured[]> {
  const loads = subjects.map((subject) => ({
    subject,
    file: join(dir, `${subject.name}-${workload.name}.requests`),
  }))
  for (const { subject, file } of loads) {
    await writeRequests(file, workload, subject.origin)
    await runWrk(subject.origin, file, connections, warmUp, 'anywhere')
  }
  const measured = loads.map((): Round[] => [])
  for (let round = 1; round <= rounds; round += 1) {
    const order = [...loads.entries()]
    for (const [at, load] of round % 2 === 1 ? order : order.reverse()) {
      measured[at]?.push(await oneRound(load.subject, load.file, connections, seconds))
    }
  }
  return loads.map(({ subject }, at) => ({
    subject: subject.name,
    median: medians(measured[at] ?? []),
    rounds: measured[at] ?? [],
  }))
}

async function oneRound(
  subject: Running,
  file: string,
  connections: number,
  seconds: number,
): Promise<Round> {
  await subject.clearLog()
  const before: Counts = await countsOf(subject.origin)
  const cpuBefore = cpuSeconds(subject.pid)
  const { requests, errors, ...result } = await runWrk(subject.origin, file, connections, seconds, 'anywhere')
  const cpuUs = ((cpuSeconds(subject.pid) - cpuBefore) * 1e6) / requests
  const failed = Object.values(errors).reduce((sum, number) => sum + number, 0)
  if (failed > 0) throw new Error(`${subject.name}: ${failed} of ${requests} requests failed`)
  return {
    requestsPerSecond: requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuUs,
    levels: levelsBetween(before, await countsOf(subject.origin)),
  }
}

function medians(rounds: readonly Round[]): Round {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick))
  return {
    requestsPerSecond: of((round) => round.requestsPerSecond),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    cpuUs: of((round) => round.cpuUs),
    levels: {
      near: of((round) => round.levels.near),
      redis: of((round) => round.levels.redis),
      rows: of((round) => round.levels.rows),
      rowsRead: of((round) => round.levels.rowsRead),
    },
  }
}

function faultsOf({ hot, reads, mix }: Omit<CacheMeasured, 'faults'>): string[] {
  const { hotMin, redisMax, rowsMax } = targets
  const faults: string[] = []
  if (hot.share < nearShareMin) faults.push(`${hot.share.toFixed(3)} of the hot reads were near hits`)
  if (hot.ratio < hotMin) faults.push(`a hot read was ${hot.ratio.toFixed(2)} of tier 1, not ${hotMin}`)
  if (reads.ratio > redisMax) {
    faults.push(
      `a read that Redis answers cost ${reads.ratio.toFixed(2)} of an uncached one, not ${redisMax}`,
    )
  }
  if (reads.redis.median.levels.rowsRead > 0) {
    faults.push(`${reads.redis.median.levels.rowsRead} rows were read while Redis had all of them`)
  }
  if (mix.median.levels.rows > rowsMax) {
    faults.push(`the database saw ${mix.median.levels.rows.toFixed(3)} of the mix's reads, not ${rowsMax}`)
  }
  return faults
}
