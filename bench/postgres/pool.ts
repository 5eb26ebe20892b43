import { join } from 'node:path'
import { outputOf } from '../program.ts'
import type { PoolLatency } from './pool-latency.ts'
import type { Server } from './server.ts'

export interface PoolComparison extends PoolLatency {
  readonly faults: readonly string[]
}

const RATIO_MAX = 1.5
const PROGRAM_MS_MAX = 300_000

/** How long one operation takes when there is no other: in the store, and by `pg.Pool` with the same statement. */
export async function poolComparison(
  server: Server,
  { items, turns }: { items: number; turns: number },
): Promise<PoolComparison> {
  const { url } = await server.createDatabase('bench_pool', items)
  const program = [process.execPath, join(import.meta.dirname, 'pool-latency.ts')] as const
  const options = ['--url', url, '--items', String(items), '--turns', String(turns)]
  const output = await outputOf([...program, ...options], { timeoutMs: PROGRAM_MS_MAX })
  const latency: PoolLatency = JSON.parse(output)
  const faults = (['get', 'put'] as const).flatMap((name) => {
    const ratio = latency[name].storeP50Ms / latency[name].poolP50Ms
    return ratio <= RATIO_MAX ? [] : [`p50 of ${name} was ${ratio.toFixed(2)} of pg.Pool's, not ${RATIO_MAX}`]
  })
  return { ...latency, faults }
}
