/** Promise 8, where Redis answers, and not as it should: under load, every answer is right. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../../support/ask.ts'
import { PASSWORD, useCacheUnderLoad } from '../../support/cache-under-load.ts'

const REQUESTS = 250

const cache = useCacheUnderLoad()
const command = (words: string) => cache.redis.command(...words.split(' '))

for (const [what, fail, mend] of [
  [
    'takes longer than it may',
    () => cache.proxy.pass({ delayMs: 60 }),
    () => {
      cache.proxy.cut()
      cache.proxy.pass()
    },
  ],
  [
    'is out of memory',
    async () => {
      await command('CONFIG SET maxmemory-policy noeviction')
      await command('CONFIG SET maxmemory 1')
    },
    () => command('CONFIG SET maxmemory 0'),
  ],
  ['becomes a replica', () => command('REPLICAOF 127.0.0.1 1'), () => command('REPLICAOF NO ONE')],
  [
    'takes another password, which nobody was told',
    async () => {
      await command('ACL SETUSER service resetpass >second')
      await command('CLIENT KILL USER service')
    },
    () => command(`ACL SETUSER service resetpass >${PASSWORD}`),
  ],
] as const) {
  test(`Redis ${what}: every answer is right, and it is come back to`, async () => {
    const { service, load } = cache
    await fail()
    await cache.isPassedBy()
    await load.goesOn(REQUESTS)
    assert.equal((await ask(service, 'GET', '/health')).status, 200)
    assert.equal((await ask(service, 'GET', '/health/ready')).status, 200)
    await mend()
    await cache.isInUse()
    await load.goesOn(REQUESTS)
    assert.deepEqual(load.faults, [])
  })
}

for (const [what, fail] of [
  ['is flushed', () => command('FLUSHALL')],
  [
    'is flushed again and again',
    async () => {
      for (let times = 0; times < 20; times++) {
        await command('FLUSHALL')
        await cache.load.goesOn(20)
      }
    },
  ],
  [
    'is restarted, empty',
    async () => {
      await cache.redis.stop()
      await cache.redis.start()
    },
  ],
  ['ends all connections', () => command('CLIENT KILL USER service')],
] as const) {
  test(`Redis ${what}: every answer is right`, async () => {
    const { load } = cache
    await fail()
    await load.goesOn(REQUESTS)
    await cache.isInUse()
    await load.goesOn(REQUESTS)
    assert.deepEqual(load.faults, [])
  })
}
