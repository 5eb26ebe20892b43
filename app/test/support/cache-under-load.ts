import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach } from 'node:test'
import { createThrowAwayFolder } from '../../../local/throw-away.ts'
import { waitUntil } from '../../../local/wait.ts'
import { becomes } from './ask.ts'
import { type CacheLoad, startCacheLoad } from './cache-load.ts'
import { breakerOf } from './cached-item.ts'
import { metricsOf } from './figures.ts'
import { createDatabase, type Database } from './postgres.ts'
import { type RedisServer, startRedisServer } from './redis.ts'
import { type Service, startService } from './service.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const soon = { timeoutMs: 15_000 }

/** The service has a user of its own, so that the test's commands get through when its password has changed. */
export const PASSWORD = 'first'
const USERS = `user default on nopass ~* &* +@all
user service on >${PASSWORD} ~* &* +@all
`

/** A service whose cache is used by many clients, for tests that break the cache. */
export interface CacheUnderLoad {
  readonly redis: RedisServer
  /** Between the service and `redis`. */
  readonly proxy: TcpProxy
  readonly service: Service
  /** Begins anew with every test. */
  readonly load: CacheLoad
  /** Resolves when reads are answered by Redis, and everybody says so. */
  isInUse(): Promise<void>
  /** Resolves when everybody says that Redis is passed by. */
  isPassedBy(): Promise<void>
}

/** For all tests of a file: none of them may need another start of the service. */
export function useCacheUnderLoad(): CacheUnderLoad {
  let database: Database
  let redis: RedisServer
  let proxy: TcpProxy
  let service: Service
  let load: CacheLoad
  before(async () => {
    database = await createDatabase()
    const users = join(createThrowAwayFolder(), 'users')
    await writeFile(users, USERS)
    redis = await startRedisServer({ aclfile: users })
    proxy = await startTcpProxy(redis.port)
    const url = new URL(proxy.through(redis.url))
    Object.assign(url, { username: 'service', password: PASSWORD })
    service = await startService({ DATABASE_URL: database.url, REDIS_URL: url.href })
  })
  after(async () => {
    await service.kill()
    await proxy[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  async function isInUse(): Promise<void> {
    await becomes(service, 'ok')
    await waitUntil('the breaker is closed', async () => (await breakerOf(service)) === 0, soon)
    const hits = async () =>
      (await metricsOf(service)).get('cache_requests_total{level="redis",result="hit"}') ?? Number.NaN
    const before = await hits()
    await waitUntil('reads are answered by Redis', async () => (await hits()) > before + 10, soon)
  }

  beforeEach(async () => {
    load = startCacheLoad(service)
    await isInUse()
  })
  afterEach(() => load.end())

  return {
    get redis() {
      return redis
    },
    get proxy() {
      return proxy
    },
    get service() {
      return service
    },
    get load() {
      return load
    },
    isInUse,
    async isPassedBy() {
      await becomes(service, 'degraded')
      await waitUntil('the breaker is open', async () => (await breakerOf(service)) > 0, soon)
    },
  }
}
