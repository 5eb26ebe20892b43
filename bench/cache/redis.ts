import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startRedis } from '../../local/redis.ts'

/** An empty Redis, as the launcher starts it. */
export interface BenchRedis extends AsyncDisposable {
  readonly url: string
  info(): Promise<RedisInfo>
}

/** What it holds now, in MiB as its limit is, and how many keys had to make room since its start. */
export interface RedisInfo {
  readonly usedMib: number
  readonly maxMib: number
  readonly keys: number
  readonly evicted: number
}

/** `dir` takes its folder. */
export async function startBenchRedis(dir: string): Promise<BenchRedis> {
  const redis = await startRedis({ folder: await mkdtemp(join(dir, 'redis-')) })
  return {
    url: `redis://127.0.0.1:${redis.port}`,
    info: async () => parseInfo(await infoText(redis.port)),
    [Symbol.asyncDispose]: redis.stop,
  }
}

/** Redis takes a command as a line too, and closes the connection after the answer to QUIT. */
async function infoText(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port }).setEncoding('utf8')
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.write('INFO\r\nQUIT\r\n')
  await once(socket, 'close')
  return text
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
