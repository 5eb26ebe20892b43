import { join } from 'node:path'
import { type Component, endedByItself } from './component.ts'
import { openLogFile } from './log-file.ts'
import { isStopping } from './processes.ts'
import { type Redis, startRedis } from './redis.ts'

/**
 * Redis, unless the user's environment leads to another one. Where there is none to be had the system runs without a
 * cache: it is slower then, and nothing else.
 */
export const startCache: Component = async ({ env, dataDir, logDir, say }) => {
  if (env.REDIS_URL || env.REDIS_URL_FILE) return {}
  let redis: Redis
  try {
    redis = await startRedis({
      folder: join(dataDir, 'redis'),
      onLine: openLogFile(join(logDir, 'redis.log')),
    })
  } catch (error) {
    if (!isStopping()) say(`going on without a cache: ${(error as Error).message.split('\n')[0]}`)
    return {}
  }
  redis.exited.then((exit) => {
    if (!isStopping()) say(`${endedByItself('Redis', exit)}: going on without a cache`)
  })
  return { REDIS_URL: `redis://127.0.0.1:${redis.port}` }
}
