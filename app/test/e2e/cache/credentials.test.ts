import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createThrowAwayFolder } from '../../../../local/throw-away.ts'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, becomes, healthOf } from '../../support/ask.ts'
import { createDatabase, type Database } from '../../support/postgres.ts'
import { startRedisServer, startTlsRedisServer } from '../../support/redis.ts'
import { runService, startService } from '../../support/service.ts'

let database: Database
before(async () => {
  database = await createDatabase()
})
after(() => database[Symbol.asyncDispose]())

const cacheState = async (service: { url: string }) => (await healthOf(service)).dependencies.cache?.state

test('a wrong password ends the start with 78 and says what to do, and not what it is', async () => {
  await using redis = await startRedisServer({ requirepass: 'right-one' })
  for (const url of [redis.url, redis.url.replace('//', '//:wrong-one@')]) {
    const { code, stderr, stdout } = await runService({ DATABASE_URL: database.url, REDIS_URL: url })
    assert.equal(code, 78)
    assert.match(stderr, /Redis refuses this service \((WRONGPASS|NOAUTH)\).*REDIS_URL.*REDIS_PASSWORD/)
    assert.doesNotMatch(stderr + stdout, /wrong-one/)
  }
})

test('a password that becomes wrong later does not end the service', async () => {
  await using redis = await startRedisServer({ requirepass: 'first' })
  const file = join(createThrowAwayFolder(), 'password')
  await writeFile(file, 'first\n')
  await using service = await startService({
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    REDIS_PASSWORD_FILE: file,
  })
  assert.equal(await cacheState(service), 'ok')
  await redis.stop()
  await using rotated = await startRedisServer({ requirepass: 'second', port: String(redis.port) })
  await becomes(service, 'degraded')
  const isTold = () => service.lines.some(({ reason }) => /WRONGPASS/.test(String(reason)))
  await waitUntil('the log says why', isTold, { timeoutMs: 15_000 })
  assert.ok((await ask(service, 'PUT', '/data/1', 1)).status < 300)
  await writeFile(file, 'second\n')
  await becomes(service, 'ok')
  assert.ok(rotated)
})

test('TLS verifies who Redis is', async () => {
  await using redis = await startTlsRedisServer({ requirepass: 'secret' })
  const environment = { DATABASE_URL: database.url, REDIS_URL: redis.url, REDIS_PASSWORD: 'secret' }
  await using trusting = await startService({ ...environment, NODE_EXTRA_CA_CERTS: redis.authorityFile })
  assert.equal(await cacheState(trusting), 'ok')
  await using wary = await startService(environment)
  assert.equal(await cacheState(wary), 'unavailable')
  const isTold = () => wary.lines.some(({ reason }) => /certificate/.test(String(reason)))
  await waitUntil('the log says why', isTold, { timeoutMs: 15_000 })
})
