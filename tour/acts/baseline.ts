import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../../app/test/support/ask.ts'
import { startService } from '../../app/test/support/service.ts'
import { getSeeded } from '../../bench/workloads.ts'
import { listeningPort } from '../../local/ports.ts'
import type { Act } from '../act.ts'
import { startLoad } from '../load.ts'
import { milliseconds } from '../words.ts'

const START_MS_MAX = 500
const STARTS = 3
const PER_SECOND = 200

/** Tier 1: there at once, and gone with all that it was told. */
export const baseline: Act = {
  name: 'baseline',
  tier: 1,
  title: 'One process, data in its memory',
  why: 'A service has to be there before it can grow. One process without dependencies is the simplest that keeps the whole contract, until it ends.',
  async play({ recording, length, patience, within, now, mark, claim }) {
    const port = await listeningPort()
    const startsMs: number[] = []
    const start = async () => {
      // Neighbours of the machine come and go: how they are is looked at beside each start.
      patience()
      const startedMs = performance.now()
      const service = await startService({ PORT: String(port), SEED_DATA: 'true' })
      const { status } = await ask(service, 'GET', '/data/1')
      startsMs.push(performance.now() - startedMs)
      if (status !== 200) throw new Error(`GET /data/1 was answered ${status}`)
      return service
    }
    now('tier 1 is started, by the entry point that production runs')
    const first = await start()
    await using cleanup = new AsyncDisposableStack()
    cleanup.use(first)
    const load = cleanup.use(
      await startLoad(recording, { port, perSecond: PER_SECOND, requests: [getSeeded] }),
    )
    await delay(length.stretchMs / 2)
    const written = await ask(first, 'PUT', '/data/mine', 'keep this')
    const before = await ask(first, 'GET', '/data/mine')
    mark('kill -9')
    await first.kill()
    await delay(length.stretchMs / 6)
    let service = cleanup.use(await start())
    mark('started again')
    const after = await ask(service, 'GET', '/data/mine')
    await delay(length.stretchMs / 2)
    await load.end()
    while (startsMs.length < STARTS) {
      await service.kill()
      service = cleanup.use(await start())
    }
    const bestMs = Math.min(...startsMs)
    claim(
      `answers a request within ${milliseconds(START_MS_MAX)} of its start`,
      `${milliseconds(bestMs)}, the best of ${STARTS} starts`,
      within(bestMs, START_MS_MAX),
    )
    claim(
      'a write that was answered is lost with the process: this is what tier 2 is for',
      `PUT ${written.status}, GET ${before.status}, kill -9, GET ${after.status}`,
      written.status === 201 && before.status === 200 && after.status === 404,
    )
  },
}
