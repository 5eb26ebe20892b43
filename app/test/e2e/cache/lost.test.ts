/** Promises 3 and 8, where Redis loses what it knew, or a process what it had to tell: nothing old is told for long. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, becomes } from '../../support/ask.ts'
import { BEHIND_MS_MAX, startCacheLoad } from '../../support/cache-load.ts'
import { FROM_REDIS, NO_CACHE, readFrom, readItem } from '../../support/cached-item.ts'
import { createDatabase, type Database } from '../../support/postgres.ts'
import { type RedisServer, startRedisCluster, startRedisServer } from '../../support/redis.ts'
import { type Environment, type Service, startService } from '../../support/service.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const soon = { timeoutMs: 30_000 }
const REQUESTS = 250

let database: Database
let redis: RedisServer
before(async () => {
  database = await createDatabase()
  redis = await startRedisServer()
})
after(async () => {
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** A machine that is busy with other tests gives Redis more time than it has by default. */
function start(more: Environment = {}): Promise<Service> {
  return startService({
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    REDIS_TIMEOUT_MS: '1000',
    ...more,
  })
}

async function put(service: Service, id: string, value: unknown = {}): Promise<void> {
  assert.ok((await ask(service, 'PUT', `/data/${id}`, value)).status < 300)
}

/** Asserts that of the answers that this service gives from now on none is older than it may be, until one is new. */
async function isKnown(service: Service, id: string, version: number, sinceMs: number): Promise<void> {
  for (;;) {
    const answer = await readItem(service, id)
    if (answer.version === version) return
    const behindMs = answer.startMs - sinceMs
    assert.ok(behindMs <= BEHIND_MS_MAX, `${JSON.stringify(answer)} is ${Math.round(behindMs)} ms behind`)
    await delay(5)
  }
}

test('the last process dies between its commit and the cache: the next one tells nothing old', async () => {
  await using proxy = await startTcpProxy(redis.port)
  const id = randomUUID()
  const last = await start({ REDIS_URL: proxy.through(redis.url), REDIS_TIMEOUT_MS: '10000' })
  await put(last, id)
  await readFrom(last, id, FROM_REDIS)
  proxy.hold('requests', 'answers')
  ask(last, 'PUT', `/data/${id}`, {})
  const versionOf = async () => (await database.query('select version::int from data where id = $1', [id]))[0]
  await waitUntil('it is committed', async () => (await versionOf())?.version === 2, soon)
  await last.kill()

  await using next = await start()
  await isHitOnly(next, id, 2)
})

test('Redis is emptied between a slow read and its answer: what that brings back is not told for long', async () => {
  await using way = await startTcpProxy(Number(new URL(database.url).port))
  await using slow = await start({ DATABASE_URL: way.through(database.url), ROLE: 'api' })
  await using other = await start()
  for (let times = 0; times < 5; times++) {
    const id = randomUUID()
    await put(other, id)
    way.hold('answers')
    const isAsked = way.sent(id)
    const answer = readItem(slow, id, NO_CACHE)
    await isAsked
    await put(other, id)
    const writtenMs = performance.now()
    await redis.command('FLUSHALL')
    way.pass()
    await answer
    await Promise.all([slow, other].map((service) => isKnown(service, id, 2, writtenMs)))
    assert.equal((await readFrom(other, id, FROM_REDIS)).version, 2)
  }
})

test('Redis comes back with what it had some time ago: nothing of that is told', async () => {
  await using old = await startRedisServer()
  await using service = await start({ REDIS_URL: old.url })
  const ids = Array.from({ length: 20 }, () => randomUUID())
  for (const id of ids) await put(service, id)
  await old.command('SAVE')
  for (const id of ids) await put(service, id)
  const writtenMs = performance.now()
  await waitUntil('that is long ago', () => performance.now() - writtenMs > BEHIND_MS_MAX, soon)
  await old.kill()
  await old.start()
  const keys = (await old.command('KEYS', 'data:*')) as string[]
  assert.ok(ids.every((id) => keys.some((key) => key.endsWith(id))))
  await Promise.all(ids.map((id) => isHitOnly(service, id, 2)))
})

/** Reads until Redis answers. No answer before may have another version. */
async function isHitOnly(service: Service, id: string, version: number): Promise<void> {
  const isHit = async () => {
    const answer = await readItem(service, id)
    assert.equal(answer.version, version, JSON.stringify(answer))
    return answer.cacheStatus === FROM_REDIS
  }
  await waitUntil(`Redis tells ${id}`, isHit, soon)
}

async function areInRedis(service: Service, ids: readonly string[], version: number): Promise<void> {
  const answers = await Promise.all(ids.map((id) => readFrom(service, id, FROM_REDIS)))
  for (const answer of answers) assert.equal(answer.version, version)
}

test('a master of a cluster dies: every answer is right, and its replica is used', async (t) => {
  await using cluster = await startRedisCluster({ replicas: 1 })
  await using one = await start({ REDIS_URL: cluster.url })
  await using other = await start({ REDIS_URL: cluster.url })
  // Enough of them for every master to have some.
  const ids = Array.from({ length: 60 }, () => randomUUID())
  await Promise.all(ids.map((id) => put(one, id)))
  await areInRedis(other, ids, 1)

  await using load = startCacheLoad(one)
  await load.goesOn(REQUESTS)
  const killedMs = performance.now()
  await cluster.masters[1]?.kill()
  for (const service of [one, other]) await becomes(service, 'degraded')
  await Promise.all(ids.map((id) => put(one, id)))
  const writtenMs = performance.now()
  await Promise.all(ids.map((id) => isKnown(other, id, 2, writtenMs)))
  for (const service of [one, other]) await becomes(service, 'ok', soon)
  t.diagnostic(`in use again after ${Math.round(performance.now() - killedMs)} ms`)

  await areInRedis(other, ids, 2)
  await Promise.all(ids.map((id) => put(one, id)))
  const againMs = performance.now()
  await Promise.all(ids.map((id) => isKnown(other, id, 3, againMs)))
  await load.goesOn(REQUESTS)
  await load.end()
  assert.deepEqual(load.faults, [])
})
