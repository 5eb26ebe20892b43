import { metricsOf } from '../../app/test/support/figures.ts'
import { type Service, startService } from '../../app/test/support/service.ts'
import { whole } from '../../bench/text.ts'
import { waitUntil } from '../../local/wait.ts'
import type { Act, Scene } from '../act.ts'
import { cacheVerdict, costText } from '../hot.ts'
import { acceptedImports, allSucceed, IMPORT_SOON, IMPORTS, progressOf } from '../imports.ts'
import { latencies, watchReads } from '../watch.ts'
import { milliseconds } from '../words.ts'

const P99_MS_MAX = 200

/** Tier 4 under what has hurt tier 2. */
export const cloud: Act = {
  name: 'cloud',
  tier: 4,
  title: 'A cache for what is read, workers for what takes long',
  why: 'Redis and a near level answer what everybody reads. SQS gives imports to another process: what becomes of the API is nothing to them. On AWS that process has processors of its own; here it shares these with everything else, so that reads beside imports are about as slow as at tier 2.',
  needs: ['redis-server'],
  async play(scene) {
    const environment = await scene.stage.environment(4)
    await using cleanup = new AsyncDisposableStack()
    const start = async (ROLE: string) => cleanup.use(await startService({ ...environment, ROLE }))
    const [api, worker] = await Promise.all([start('api'), start('worker')])
    const watched = await watchReads(scene, api)
    const { beside, cost } = watched
    scene.claim(
      'hot reads that the cache answers cost the database nothing',
      costText(cost),
      cacheVerdict(cost, scene.patience()),
    )
    const [byWorker, byApi] = [await importsDone(worker), await importsDone(api)]
    scene.claim(
      'the worker has applied the imports, and the API process has not',
      `messages done: worker ${byWorker}, API ${byApi}`,
      byWorker >= IMPORTS && byApi === 0,
    )
    scene.claim(
      `99 of 100 reads beside them are answered within ${milliseconds(P99_MS_MAX)}, and none fails`,
      latencies(watched),
      beside.answered === beside.count,
      scene.within(beside.p99Ms, P99_MS_MAX),
    )
    await importsGoOn(scene, api, () => start('api'))
  },
}

async function importsGoOn(scene: Scene, api: Service, startApi: () => Promise<Service>) {
  const { stage, length, random, now, claim } = scene
  const database = await stage.database()
  now(
    `${IMPORTS} more imports, and kill -9 of the API: the worker also sends the messages that this leaves unsent`,
  )
  const ids = await acceptedImports(api, random, length.eachImportLines)
  await api.kill()
  const killedMs = performance.now()
  const early = await progressOf(database, ids)
  const areDone = async () => (await progressOf(database, ids)).succeeded === ids.length
  await waitUntil('the imports have succeeded without an API', areDone, IMPORT_SOON)
  const tookMs = performance.now() - killedMs
  now('the API is started again')
  await allSucceed(await startApi(), ids)
  claim(
    'kill -9 of the API stops no import',
    `${whole(early.applied)} of ${whole(early.total)} lines applied when it was killed; all of them ${milliseconds(tookMs)} later, with no API running`,
    early.applied < early.total,
  )
}

async function importsDone(service: Service): Promise<number> {
  return (await metricsOf(service)).get('worker_messages_total{type="import",outcome="done"}') ?? 0
}
