import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, becomes, healthOf } from '../../support/ask.ts'
import { createDatabase, type Database } from '../../support/postgres.ts'
import { startRedisServer } from '../../support/redis.ts'
import { startService } from '../../support/service.ts'

let database: Database
before(async () => {
  database = await createDatabase()
})
after(() => database[Symbol.asyncDispose]())

test('a service that starts before Redis is ready without it, and uses it when it comes', async () => {
  await using redis = await startRedisServer()
  await redis.kill()
  await using service = await startService({ DATABASE_URL: database.url, REDIS_URL: redis.url })
  assert.equal((await healthOf(service)).status, 'degraded')
  assert.ok((await ask(service, 'PUT', '/data/early', 1)).status < 300)
  assert.equal((await ask(service, 'GET', '/data/early')).status, 200)
  await redis.start()
  await becomes(service, 'ok')
})

test('a service whose Redis does not answer is ready soon, and stops in time', async () => {
  await using redis = await startRedisServer()
  redis.freeze()
  await using service = await startService({ DATABASE_URL: database.url, REDIS_URL: redis.url })
  assert.equal((await healthOf(service)).dependencies.cache?.state, 'unavailable')
  assert.deepEqual(await service.stop(), { code: 0, signal: null })
})
