import { type DatabaseServer, startDatabaseServer } from '../app/test/support/database-server.ts'
import { type RedisServer, startRedisServer } from '../app/test/support/redis.ts'
import { type Environment, migrate } from '../app/test/support/service.ts'
import { type SqsServer, startSqsServer } from '../app/test/support/sqs.ts'

/** The servers that acts share: each is started when the first act asks for it, and runs until the end. */
export interface Stage extends AsyncDisposable {
  database(): Promise<DatabaseServer>
  redis(): Promise<RedisServer>
  /** What makes a process of the service one of this tier, with a queue of its own and a schema that fits. */
  environment(tier: 2 | 4): Promise<Environment>
}

export function createStage(): Stage {
  const cleanup = new AsyncDisposableStack()
  const once = <T>(start: () => Promise<T>): (() => Promise<T>) => {
    let started: Promise<T> | undefined
    return () => {
      started ??= start()
      return started
    }
  }
  // What is acknowledged is on the disk, as in production: a write has its true price.
  const database = once(async () => cleanup.use(await startDatabaseServer({ fsync: 'on' })))
  const redis = once(async () => cleanup.use(await startRedisServer()))
  const emulator = once(async (): Promise<SqsServer> => cleanup.use(await startSqsServer()))
  const migrated = once(async () => migrate((await database()).url()))
  return {
    database,
    redis,
    async environment(tier) {
      const DATABASE_URL = (await database()).url()
      if (tier === 2) return { DATABASE_URL }
      const [cache, sqs] = await Promise.all([redis(), emulator(), migrated()])
      return { DATABASE_URL, REDIS_URL: cache.url, ...(await sqs.createQueue()).environment() }
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}
