import { setTimeout as delay } from 'node:timers/promises'
import { healthOf } from '../../app/test/support/ask.ts'
import { startService } from '../../app/test/support/service.ts'
import { waitUntil } from '../../local/wait.ts'
import type { Act } from '../act.ts'
import { hotReadsAndWrites, writeHotItems } from '../hot.ts'
import { startLoad } from '../load.ts'
import { failures, milliseconds } from '../words.ts'

const PER_SECOND = 200
const WORSE_MS_MAX = 100
const BACK_MS_MAX = 5000
const BACK_SOON = { timeoutMs: 60_000 }

/** A cache that is never needed. */
export const cacheDies: Act = {
  name: 'cache-dies',
  tier: 4,
  title: 'Redis is killed, and nobody notices',
  why: 'A cache that the service cannot live without has made the service less available. Each call to Redis has a deadline, and a circuit breaker passes it by.',
  needs: ['redis-server'],
  async play(scene) {
    const { stage, recording, length, random, now, mark, claim } = scene
    const redis = await stage.redis()
    await using service = await startService({ ...(await stage.environment(4)), ROLE: 'api' })
    const cacheIs = async () => (await healthOf(service)).dependencies.cache?.state
    await writeHotItems(service)
    await using load = await startLoad(recording, {
      port: service.port,
      perSecond: PER_SECOND,
      requests: hotReadsAndWrites(random, { readsPerWrite: 9, prefix: 'hot' }),
    })
    now(`${PER_SECOND} requests a second of ten items, one in ten a write`)
    await delay(length.stretchMs / 3)
    const calmMs = recording.nowMs()
    await delay(length.stretchMs)
    const killedMs = recording.nowMs()
    mark('Redis killed')
    await redis.kill()
    await delay(length.stretchMs)
    const state = await cacheIs()
    const mendedMs = recording.nowMs()
    await redis.start()
    mark('Redis is back, empty')
    const backMs = performance.now()
    await waitUntil('the cache is in use again', async () => (await cacheIs()) === 'ok', BACK_SOON)
    const returnMs = performance.now() - backMs
    await delay(length.stretchMs / 2)
    await load.end()
    const all = recording.between(0, recording.nowMs())
    claim('no request fails, and none is refused', failures(all), all.count > 0 && all.answered === all.count)
    const [calm, without] = [recording.between(calmMs, killedMs), recording.between(killedMs, mendedMs)]
    claim(
      `latency grows by less than ${milliseconds(WORSE_MS_MAX)}`,
      `p99 ${milliseconds(calm.p99Ms)} with Redis, ${milliseconds(without.p99Ms)} without, at most ${milliseconds(without.maxMs)}`,
      scene.within(without.p99Ms - calm.p99Ms, WORSE_MS_MAX),
    )
    claim(
      'it says so, and comes back to Redis by itself',
      `cache ${state}; in use again after ${milliseconds(returnMs)}`,
      state === 'unavailable',
      scene.within(returnMs, BACK_MS_MAX),
    )
  },
}
