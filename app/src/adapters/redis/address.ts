import type { Config } from '../../config.ts'

/** Where Redis is and how to get in. */
export interface RedisAddress {
  readonly url: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly isTls: boolean
}

/** As of now: a rotated password is found at the next connection. Throws while a file cannot be read. */
export function redisAddress({ REDIS_URL, REDIS_PASSWORD }: Config): RedisAddress {
  const url = new URL(REDIS_URL?.read() ?? '')
  const username = decodeURIComponent(url.username) || undefined
  const password = REDIS_PASSWORD?.read() ?? (decodeURIComponent(url.password) || undefined)
  // What the client is given apart from the URL would not stand against what is in it.
  url.username = ''
  url.password = ''
  return { url: url.href, username, password, isTls: url.protocol === 'rediss:' }
}
