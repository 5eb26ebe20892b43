import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Config } from './config.ts'
import { collectWaitingRequestsYoung } from './heap.ts'
import { createApp } from './http/app.ts'
import { createServer } from './http/node-http.ts'
import { createLifecycle, runInOrder } from './lifecycle.ts'
import type { LogOutput } from './log.ts'
import { createMetrics } from './metrics.ts'
import { currentRelease } from './release.ts'
import { seed } from './seed.ts'
import { wireData } from './wire.ts'
import { createWork } from './worker/work.ts'

/** What closing the store may take at the end of a stop, out of `SHUTDOWN_TIMEOUT_MS`. */
const STORE_CLOSE_MS = 1000

export interface RunningService {
  /** Resolves when the service is ready, or has been stopped before; rejects when its store never can be reached. */
  readonly started: Promise<void>
  /** Drains and stops. Resolves to the process's exit code. */
  stop(): Promise<number>
}

/**
 * The process of the API, of a worker, or of both, from the moment that it listens: unready until its store is there.
 * Throws what a start cannot recover from: an address that cannot be listened on.
 */
export async function startService(config: Config, output: LogOutput): Promise<RunningService> {
  const { log } = output
  const release = currentRelease()
  const registry = createMetrics(config, release, output)
  const data = await wireData(config, registry, log)
  const { store, queue } = data
  const work = createWork({ ...data, config, registry, log })
  const lifecycle = createLifecycle(data.dependencies)
  const { app, finish } = await createApp({
    config,
    ...data,
    state: lifecycle,
    registry,
    output,
    version: release.version,
  })
  const url = await app.listen({ host: config.HOST, port: config.PORT })
  const metricsServer = await listenForMetrics(config, registry)
  log.info(
    { url, role: config.ROLE, tier: config.tier, version: release.version, pid: process.pid },
    'listening',
  )

  const stopping = new AbortController()
  async function start(): Promise<void> {
    queue.start()
    await store.start(stopping.signal)
    if (stopping.signal.aborted) return
    if (config.SEED_DATA && config.ROLE !== 'worker') await seed(store, stopping.signal)
    if (stopping.signal.aborted) return
    if (config.tier !== 1) collectWaitingRequestsYoung()
    lifecycle.started()
    work.start()
    log.info({ tier: config.tier, startMs: Math.round(process.uptime() * 1000) }, 'ready')
  }

  return {
    started: start(),
    async stop() {
      // No balancer sends anything to a worker, nor to who has never been ready.
      const isSentTo = config.ROLE !== 'worker' && lifecycle.isReady()
      const drainMs = isSentTo ? config.DRAIN_DELAY_MS : 0
      const finishMs = config.SHUTDOWN_TIMEOUT_MS - drainMs - STORE_CLOSE_MS
      lifecycle.drain()
      stopping.abort()
      const inTime = await runInOrder(
        [
          { name: 'drain', budgetMs: drainMs + 100, run: () => delay(drainMs) },
          {
            name: 'finish requests and work',
            budgetMs: finishMs,
            async run() {
              await Promise.all([finish(), work.stop()])
            },
          },
          {
            name: 'close store',
            budgetMs: STORE_CLOSE_MS,
            run() {
              app.server.closeAllConnections()
              metricsServer?.close()
              queue.close()
              return store.close()
            },
          },
        ],
        log,
      )
      return inTime ? 0 : 1
    },
  }
}

/** A second, plain server for `/metrics` when it is to have a port of its own, out of the balancer's reach. */
async function listenForMetrics(config: Config, registry: Registry): Promise<Server | undefined> {
  const port = config.METRICS_PORT
  if (port === undefined || port === config.PORT) return undefined
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics())
  })
  server.listen(port, config.HOST)
  await once(server, 'listening')
  return server
}
