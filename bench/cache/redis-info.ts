import type { RedisServer } from '../../app/test/support/redis.ts'

/** What Redis holds now, in MiB as its limit is, and how many keys had to make room since its start. */
export interface RedisInfo {
  readonly usedMib: number
  readonly maxMib: number
  readonly keys: number
  readonly evicted: number
}

export async function redisInfo(redis: RedisServer): Promise<RedisInfo> {
  return parseInfo(String(await redis.command('INFO')))
}

/** Throws when it is not what INFO answers. */
export function parseInfo(text: string): RedisInfo {
  const number = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1])
  const info = {
    usedMib: number('used_memory') / 2 ** 20,
    maxMib: number('maxmemory') / 2 ** 20,
    // Without a line for its database there is none.
    keys: Number(/^db0:keys=(\d+)/m.exec(text)?.[1] ?? 0),
    evicted: number('evicted_keys'),
  }
  if (Object.values(info).some(Number.isNaN)) throw new Error(`Redis told nothing of itself:\n${text}`)
  return info
}
