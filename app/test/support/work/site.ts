import { migrateDatabase } from '../../../src/adapters/postgres/migrate-database.ts'
import { parseConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/log.ts'
import { createDatabase, type Database } from '../postgres.ts'
import { type Environment, type Service, startService } from '../service.ts'
import type { SqsQueue, SqsServer } from '../sqs.ts'
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts'

/** What processes that work through a queue share, and those processes. Disposing of it kills them. */
export interface Site extends AsyncDisposable {
  /** With its schema. */
  readonly database: Database
  readonly queue: SqsQueue
  /** Between the processes and the queue. */
  readonly proxy: TcpProxy
  /** What leads a process to the database and, through the proxy, to the queue. */
  readonly environment: Environment
  /** Resolves when it is ready. */
  start(role: 'api' | 'worker', environment?: Environment): Promise<Service>
}

/** `receivesMax` as of `createQueue`. */
export async function openSite(
  sqs: SqsServer,
  options: { readonly receivesMax?: number } = {},
): Promise<Site> {
  await using cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await createDatabase())
  const queue = await sqs.createQueue(options)
  const proxy = cleanup.use(await startTcpProxy(sqs.port))
  const environment = { DATABASE_URL: database.url, ...queue.environment(proxy) }
  await migrateDatabase({
    config: parseConfig({ DATABASE_URL: database.url }),
    log: createLog('error').log,
    signal: new AbortController().signal,
  })
  const services: Service[] = []
  cleanup.defer(async () => void (await Promise.all(services.map((service) => service.kill()))))
  const owned = cleanup.move()
  return {
    database,
    queue,
    proxy,
    environment,
    async start(role, more = {}) {
      const service = await startService({ ...environment, ROLE: role, ...more })
      services.push(service)
      return service
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
