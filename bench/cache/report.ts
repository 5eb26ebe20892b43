import { faultLines, table, whole } from '../report.ts'
import type { CacheMeasured, Measured } from './cache.ts'

export function cacheText({ connections, items, hot, reads, writes, mix, faults }: CacheMeasured): string {
  const header = ['', 'requests/s', 'p50 ms', 'p99 ms', 'service CPU µs', 'near', 'Redis', 'rows a GET']
  const rows = [
    row('GET, database', reads.store),
    row('GET, Redis', reads.redis),
    row('PUT, no cache', writes.store),
    row('PUT, cache', writes.cached),
    row(`skewed mix, ${whole(items)} items`, mix),
  ]
  return (
    `hot GET at ${connections} connections: tier 1 ${whole(hot.tier1)}, near hits ${whole(hot.near)} requests per ` +
    `CPU-second: ratio ${hot.ratio.toFixed(2)}; ${(hot.share * 100).toFixed(1)}% were near hits\n` +
    `${table([header, ...rows])}GET by Redis of GET by the database, service CPU: ${reads.ratio.toFixed(2)}\n` +
    `${faultLines(faults)}`
  )
}

function row(name: string, { median }: Measured): string[] {
  const { requestsPerSecond, p50Ms, p99Ms, cpuUs, levels } = median
  return [
    name,
    whole(requestsPerSecond),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    cpuUs.toFixed(1),
    levels.near.toFixed(3),
    levels.redis.toFixed(3),
    levels.rows.toFixed(3),
  ]
}
