import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Config } from './config.ts'
import type { LogOutput } from './log.ts'
import type { Release } from './release.ts'

export type Metrics = Registry

/** The process's own metrics: CPU, memory, event loop, garbage collection, build and log. */
export function createMetrics(config: Config, release: Release, output: LogOutput): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'multi_aws_build_info',
    help: 'Always 1; its labels tell what runs.',
    labelNames: ['version', 'commit', 'tier', 'node'] as const,
    registers: [registry],
  }).set(
    { version: release.version, commit: release.commit, tier: String(config.tier), node: process.version },
    1,
  )
  new Counter({
    name: 'log_dropped_bytes_total',
    help: 'Bytes of log dropped because its reader is too slow.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(output.droppedBytes())
    },
  })
  return registry
}
