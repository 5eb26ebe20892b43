import { setTimeout as delay } from 'node:timers/promises'
import { listeningPort } from '../../../../local/ports.ts'
import { type DatabaseServer, startDatabaseServer } from '../postgres.ts'
import { type RedisServer, startRedisServer } from '../redis.ts'
import { type Service, startService } from '../service.ts'

/** Several processes of the service on ports of their own, their database, and perhaps a cache. */
export interface Cluster extends AsyncDisposable {
  readonly database: DatabaseServer
  /** Undefined without a cache. */
  readonly redis: RedisServer | undefined
  readonly ports: readonly number[]
  processes(): readonly Service[]
  kill(process: number): Promise<void>
  /** Resolves when it is ready again, on the same port. */
  start(process: number): Promise<void>
  /** SIGSTOP, and SIGCONT after `ms`. */
  freeze(process: number, ms: number): Promise<void>
}

/** Short, so that a run meets them all many times. */
export const DATABASE_TIMEOUT_MS = 600
export const ANSWER_TIMEOUT_MS = 1000

export async function startCluster(size: number, { withCache = false } = {}): Promise<Cluster> {
  await using cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await startDatabaseServer({ fsync: 'on' }))
  const redis = withCache ? cleanup.use(await startRedisServer()) : undefined
  const services = new Map<number, Service>()
  cleanup.defer(async () => void (await Promise.all([...services.values()].map((service) => service.kill()))))
  const ports: number[] = []
  while (ports.length < size) ports.push(await listeningPort())

  async function start(process: number): Promise<void> {
    const environment = {
      PORT: String(ports[process]),
      DATABASE_URL: database.url(),
      DATABASE_TIMEOUT_MS: String(DATABASE_TIMEOUT_MS),
      ANSWER_TIMEOUT_MS: String(ANSWER_TIMEOUT_MS),
      ...(redis && { REDIS_URL: redis.url }),
    }
    services.set(process, await startService(environment))
  }

  await Promise.all(ports.map((_, process) => start(process)))
  const owned = cleanup.move()
  return {
    database,
    redis,
    ports,
    processes: () => [...services.values()],
    async kill(process) {
      await services.get(process)?.kill()
    },
    start,
    async freeze(process, ms) {
      const service = services.get(process)
      service?.signal('SIGSTOP')
      try {
        await delay(ms)
      } finally {
        service?.signal('SIGCONT')
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
