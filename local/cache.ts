import { join } from 'node:path'
import type { Component } from './component.ts'
import { openLogFile } from './log-file.ts'
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
    say(`going on without a cache: ${(error as Error).message.split('\n')[0]}`)
    return {}
  }
  redis.exited.then(({ code, signal }) => {
    if (code !== 0)
      say(`Redis has ended by itself (${signal ?? `exit code ${code}`}): going on without a cache`)
  })
  return { REDIS_URL: `redis://127.0.0.1:${redis.port}` }
}
