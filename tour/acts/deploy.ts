import { setTimeout as delay } from 'node:timers/promises'
import { CHECK_EVERY_MS, startBalancer } from '../../app/test/support/haproxy.ts'
import { startService } from '../../app/test/support/service.ts'
import { freePort } from '../../local/ports.ts'
import type { Act } from '../act.ts'
import { hotReadsAndWrites, writeHotItems } from '../hot.ts'
import { startLoad } from '../load.ts'
import { failures, milliseconds } from '../words.ts'

const PER_SECOND = 200
/** Two failed checks, and as much again for what is on its way. */
const DRAIN_DELAY_MS = 5 * CHECK_EVERY_MS
const WAIT_MS_MAX = 1000
const UP_MS_MAX = 60_000

/** A deploy under load. */
export const deploy: Act = {
  name: 'deploy',
  tier: 4,
  title: 'A rolling restart fails no request',
  why: 'A deploy replaces every process. Each one becomes unready, goes on serving until the balancer has noticed, finishes what it has begun, and ends. HAProxy stands for an ALB here: it probes readiness, and never sends a request a second time.',
  needs: ['redis-server', 'haproxy'],
  async play(scene) {
    const { stage, recording, length, random, now, mark, claim } = scene
    const environment = await stage.environment(4)
    await using cleanup = new AsyncDisposableStack()
    const start = async (port: number) => {
      const own = { PORT: String(port), ROLE: 'api', DRAIN_DELAY_MS: String(DRAIN_DELAY_MS) }
      return cleanup.use(await startService({ ...environment, ...own }))
    }
    const ports = [await freePort(), await freePort()]
    const services = await Promise.all(ports.map(start))
    const balancer = cleanup.use(await startBalancer(ports))
    await balancer.allUp(UP_MS_MAX)
    await writeHotItems({ url: `http://127.0.0.1:${balancer.port}` })
    now(`${PER_SECOND} requests a second, a write among six, through a balancer without retries`)
    const load = cleanup.use(
      await startLoad(recording, {
        port: balancer.port,
        perSecond: PER_SECOND,
        requests: hotReadsAndWrites(random, { readsPerWrite: 5, prefix: 'deploy' }),
      }),
    )
    await delay(length.stretchMs / 2)
    const exits: string[] = []
    for (const [n, service] of services.entries()) {
      mark(`SIGTERM to process ${n + 1}`)
      const { code, signal } = await service.stop()
      exits.push(String(signal ?? code))
      await start(service.port)
      await balancer.allUp(UP_MS_MAX)
      mark(`process ${n + 1} is back`)
      await delay(length.stretchMs / 4)
    }
    await delay(length.stretchMs / 4)
    await load.end()
    const all = recording.between(0, recording.nowMs())
    claim(
      'both processes are replaced, and no request fails or is refused',
      `${failures(all)}; the old ones ended with ${exits.join(' and ')}`,
      all.count > 0 && all.answered === all.count && exits.every((exit) => exit === '0'),
    )
    claim(
      `nor does one wait as long as ${milliseconds(WAIT_MS_MAX)}`,
      `p99 ${milliseconds(all.p99Ms)}, longest ${milliseconds(all.maxMs)}`,
      scene.within(all.maxMs, WAIT_MS_MAX),
    )
  },
}
