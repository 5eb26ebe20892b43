import { faultLines, table, whole } from '../text.ts'
import type { CacheMeasured } from './cache.ts'
import type { Measured } from './in-turn.ts'

const HEADER = ['', '', 'p50', 'p99', 'service', 'database', 'near', 'Redis', 'rows']
const NAMES = ['', 'requests/s', 'ms', 'ms', 'CPU µs', 'CPU µs', 'hits', 'hits', 'a GET']

export function cacheText({ connections, items, hot, reads, writes, mix, faults }: CacheMeasured): string {
  const rows = [
    row('hot GET, tier 1', hot.tier1),
    row('hot GET, cache', hot.near),
    row('GET, no cache', reads.store),
    row('GET, Redis', reads.redis),
    row('PUT, no cache', writes.store),
    row('PUT, cache', writes.cached),
    row('skewed mix', mix),
  ]
  const { itemsRead, transactionsPerSecond } = reads.meanwhile
  const { usedMib, maxMib, keys, evicted } = mix.redis
  return (
    `${connections} connections; for hot GETs service and load have a processor each, for the others they run anywhere\n` +
    `${table([HEADER, NAMES, ...rows])}` +
    `hot GET: ${perCpuSecond(hot.near)} requests per CPU-second, ${perCpuSecond(hot.tier1)} at tier 1: ` +
    `ratio ${hot.ratio.toFixed(2)}\n` +
    `GET that Redis answers: ${reads.ratio.toFixed(2)} of the CPU time that the service needs without a cache; ` +
    `meanwhile the database read ${itemsRead} items and had ${transactionsPerSecond.toFixed(1)} transactions/s\n` +
    `PUT: with a cache ${writes.ratio.toFixed(2)} of the rate without\n` +
    `skewed mix of ${whole(items)} items: Redis holds ${whole(keys)} keys in ${usedMib.toFixed(0)} of ` +
    `${maxMib.toFixed(0)} MiB, ${whole(evicted)} made room; the end of lifetimes (${whole(mix.lifetimeMs / 1000)} s) ` +
    `would add ${mix.rowsOfLifetimes.toFixed(3)} rows a GET at most\n` +
    `${faultLines(faults)}`
  )
}

function perCpuSecond({ median }: Measured): string {
  return whole(1e6 / median.cpuUs)
}

function row(name: string, { median }: Measured): string[] {
  const { requestsPerSecond, p50Ms, p99Ms, cpuUs, databaseCpuUs, levels } = median
  return [
    name,
    whole(requestsPerSecond),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    cpuUs.toFixed(1),
    databaseCpuUs.toFixed(1),
    ...[levels?.near, levels?.redis, levels?.rows].map((share) => share?.toFixed(3) ?? ''),
  ]
}
