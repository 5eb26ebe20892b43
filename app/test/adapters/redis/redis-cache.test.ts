import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createThrowAwayFolder } from '../../../../local/throw-away.ts'
import { waitUntil } from '../../../../local/wait.ts'
import { type Cache, type Cached, FENCE_MS, NOTE_TRAVEL_MS_MAX } from '../../../src/ports/cache.ts'
import { patient } from '../../support/postgres-store.ts'
import { type RedisServer, startRedisCluster, startRedisServer } from '../../support/redis.ts'
import { startCache } from '../../support/redis-cache.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const soon = { timeoutMs: 20_000 }

function item(id: string, version: number, value = `${version}`): Cached {
  return { entry: { id, value, version, createdAtMs: 1, updatedAtMs: 2 }, storedAtMs: 3 }
}

async function redisFor(t: TestContext, settings = {}): Promise<RedisServer> {
  const server = await startRedisServer(settings)
  t.after(() => server[Symbol.asyncDispose]())
  return server
}

async function cacheFor(t: TestContext, ...args: Parameters<typeof startCache>): Promise<Cache> {
  const cache = await startCache(...args)
  t.after(() => cache.close())
  return cache
}

/** Whether an item can be kept and read. */
async function works(cache: Cache): Promise<boolean> {
  const cached = item(randomUUID(), 1)
  try {
    await cache.keep(cached, performance.now())
    return (await cache.get(cached.entry.id, patient)) !== undefined
  } catch {
    return false
  }
}

test('what processes on another feed keep is never seen', async (t) => {
  const { url } = await redisFor(t)
  const [one, other] = [
    await cacheFor(t, { REDIS_URL: url }, { feedId: 'one' }),
    await cacheFor(t, { REDIS_URL: url }, { feedId: 'other' }),
  ]
  await one.keep(item('a', 5), performance.now())
  await one.repair({ after: 0, last: 7, fences: [], isRestart: true })
  assert.equal(await other.get('a', patient), undefined)
  assert.deepEqual(await other.position(), { lowest: undefined, isWhole: false })
  assert.equal(await other.keep(item('a', 1), performance.now()), true)
})

test('every key has a lifetime but the position, and fences a short one', async (t) => {
  const server = await redisFor(t)
  const cache = await cacheFor(t, { REDIS_URL: server.url }, { lifetimeMs: 60_000 })
  await cache.keep(item('item', 1), performance.now())
  await cache.keep(
    { entry: { id: 'absent', version: 0, value: undefined }, storedAtMs: 0 },
    performance.now(),
  )
  await cache.fence([{ id: 'fenced', version: 1 }])
  await cache.repair({ after: 0, last: 1, fences: [{ id: 'repaired', version: 1 }], isRestart: true })
  const lifeOf = async (key: string) => Number(await server.command('PTTL', key))
  for (const [id, ms] of [
    ['item', 60_000],
    ['absent', FENCE_MS],
    ['fenced', FENCE_MS],
    ['repaired', FENCE_MS],
  ] as const) {
    const life = await lifeOf(`data:{0}:feed:${id}`)
    assert.ok(life > 0.9 * ms - 5000 && life <= ms, `${id}: ${life}`)
  }
  assert.equal(await lifeOf('position:{0}:feed'), -1)
})

test('items that are kept at one time do not go at one time', async (t) => {
  const lifetimeMs = 1_000_000
  const server = await redisFor(t)
  const cache = await cacheFor(t, { REDIS_URL: server.url }, { lifetimeMs })
  const ids = Array.from({ length: 50 }, () => randomUUID())
  await Promise.all(ids.map((id) => cache.keep(item(id, 1), performance.now())))
  const ends = await Promise.all(
    ids.map(async (id) => Number(await server.command('PEXPIRETIME', `data:{0}:feed:${id}`))),
  )
  const spread = Math.max(...ends) - Math.min(...ends)
  assert.ok(spread > 0.05 * lifetimeMs && spread <= 0.1 * lifetimeMs + 1000, `${spread} ms`)
})

test('a note that was long on its way is refused, though nothing newer is known any more', async (t) => {
  const server = await redisFor(t)
  const cache = await cacheFor(t, { REDIS_URL: server.url, REDIS_TIMEOUT_MS: '100' })
  assert.ok(await works(cache))
  server.freeze()
  await assert.rejects(cache.keep(item('a', 1), performance.now()), { code: 'unavailable' })
  // It lies in the socket of a server that does not read.
  const sentMs = performance.now()
  await waitUntil('it is too late', () => performance.now() - sentMs > NOTE_TRAVEL_MS_MAX + 100, soon)
  server.thaw()
  await waitUntil('Redis answers', () => works(cache), soon)
  assert.equal(await server.command('EXISTS', 'data:{0}:feed:a'), 0)
})

for (const [what, settings, commands] of [
  [
    'is out of memory',
    { maxmemory: '1', 'maxmemory-policy': 'noeviction' },
    ['CONFIG SET maxmemory-policy noeviction', 'CONFIG SET maxmemory 1'],
  ],
  ['is a replica', { replicaof: '127.0.0.1 1' }, ['REPLICAOF 127.0.0.1 1']],
] as const) {
  test(`a Redis that ${what} is not used, and is once it can be written`, async (t) => {
    const server = await redisFor(t, settings)
    const cache = await cacheFor(t, { REDIS_URL: server.url })
    assert.equal(cache.status().state, 'unavailable')
    await assert.rejects(cache.get('a', patient), { code: 'unavailable' })
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    await server.command('REPLICAOF', 'NO', 'ONE')
    await waitUntil('it is used', () => works(cache), soon)
  })

  test(`a Redis that ${what} later on is no longer used`, async (t) => {
    const server = await redisFor(t)
    const cache = await cacheFor(t, { REDIS_URL: server.url })
    assert.ok(await works(cache))
    for (const command of commands) await server.command(...command.split(' '))
    await waitUntil(
      'it is passed by',
      async () => {
        await works(cache)
        return cache.status().state === 'unavailable'
      },
      soon,
    )
  })
}

for (const [what, settings, isFrozen] of [
  ['cannot be written', { replicaof: '127.0.0.1 1' }, false],
  ['does not answer', {}, true],
] as const) {
  test(`attempts at a Redis that ${what} leave no connection behind`, async (t) => {
    const server = await redisFor(t, settings)
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy[Symbol.asyncDispose]())
    if (isFrozen) server.freeze()
    await cacheFor(t, { REDIS_URL: proxy.through(server.url) })
    await waitUntil('there were some attempts', () => proxy.taken >= 4, soon)
    assert.ok(proxy.connections <= 2, `${proxy.connections} connections`)
  })
}

test('attempts at a cluster with a master that is gone leave no connection behind', async (t) => {
  const cluster = await startRedisCluster()
  t.after(() => cluster[Symbol.asyncDispose]())
  const [, alive, gone] = cluster.masters as [RedisServer, RedisServer, RedisServer]
  const number = async (about: string, pattern: RegExp) =>
    Number(pattern.exec(String(await alive.command('INFO', about)))?.[1])
  await gone.kill()
  await cacheFor(t, { REDIS_URL: cluster.url })
  const firstAt = await number('stats', /total_connections_received:(\d+)/)
  const attempts = async () => (await number('stats', /total_connections_received:(\d+)/)) - firstAt
  // Each look is a connection of its own.
  let looks = 0
  await waitUntil('there were some attempts', async () => (await attempts()) - looks++ >= 5, soon)
  const connected = await number('clients', /connected_clients:(\d+)/)
  assert.ok(connected <= 3, `${connected} connections`)
})

test('a password that was rotated is found in its file at the next connection', async (t) => {
  const server = await redisFor(t, { requirepass: 'first' })
  const file = join(createThrowAwayFolder(), 'password')
  await writeFile(file, 'first\n')
  const cache = await cacheFor(t, { REDIS_URL: server.url, REDIS_PASSWORD_FILE: file })
  assert.ok(await works(cache))
  await writeFile(file, 'second\n')
  await server.stop()
  const rotated = await startRedisServer({ requirepass: 'second', port: String(server.port) })
  t.after(() => rotated[Symbol.asyncDispose]())
  await waitUntil('it is used', () => works(cache), soon)
})

for (const [what, more, startServers] of [
  ['one Redis', '', async () => [await startRedisServer()]],
  ['a cluster', ' +cluster|slots', async () => (await startRedisCluster()).masters],
] as const) {
  test(`a user with these rights is enough for ${what}`, async (t) => {
    const servers = await startServers()
    t.after(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())))
    // As docs/ARCHITECTURE.md has them.
    const rights = `~data:* ~position:* ~probe:* +mget +get +set +getrange +time +eval +evalsha +hello${more}`
    for (const server of servers) {
      await server.command('ACL', 'SETUSER', 'cache', 'on', '>secret', ...rights.split(' '))
    }
    const cache = await cacheFor(t, { REDIS_URL: `redis://cache:secret@127.0.0.1:${servers[0]?.port}` })
    assert.ok(await works(cache))
    await cache.repair({ after: 0, last: 1, fences: [{ id: 'a', version: 1 }], isRestart: true })
    assert.deepEqual(await cache.position(), { lowest: 1, isWhole: true })
  })
}

test('a cluster goes on with the replica of a master that died, from where that one was', async (t) => {
  const cluster = await startRedisCluster({ replicas: 1 })
  t.after(() => cluster[Symbol.asyncDispose]())
  const cache = await cacheFor(t, { REDIS_URL: cluster.url })
  await cache.repair({ after: 0, last: 9, fences: [], isRestart: true })
  const ids = Array.from({ length: 60 }, () => randomUUID())
  await Promise.all(ids.map((id) => cache.keep(item(id, 1), performance.now())))
  const allThere = async () => {
    const found = await Promise.all(ids.map((id) => cache.get(id, patient).catch(() => undefined)))
    return found.every((cached) => cached?.entry.version === 1)
  }
  assert.ok(await allThere())
  await cluster.masters[1]?.kill()
  await waitUntil(
    'it is passed by',
    async () => {
      await allThere()
      return cache.status().state === 'unavailable'
    },
    soon,
  )
  await waitUntil('the replica is used', allThere, soon)
  const { isWhole } = await cache.position()
  assert.equal(isWhole, true)
  assert.ok(await works(cache))
})
