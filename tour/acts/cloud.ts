import { metricsOf } from '../../app/test/support/figures.ts'
import { type Service, startService } from '../../app/test/support/service.ts'
import type { Act } from '../act.ts'
import { latencies, watchReads } from '../watch.ts'
import { counted, milliseconds, widened } from '../words.ts'

const ROWS_EACH_MAX = 0.1
const P99_MS_MAX = 100

/** Tier 4 under what has hurt tier 2. */
export const cloud: Act = {
  name: 'cloud',
  tier: 4,
  title: 'A cache for what is read, a worker for what takes long',
  why: 'Redis and a near level answer what everybody reads; SQS has the import applied by another process. On AWS that one has processors of its own. Here it shares these with everything else, and the API process learns of each line to keep its cache right: compare the rows with those of tier 2, and look whether latency stays bounded.',
  needs: ['redis-server'],
  async play(scene) {
    const environment = await scene.stage.environment(4)
    await using cleanup = new AsyncDisposableStack()
    const start = async (ROLE: string) => cleanup.use(await startService({ ...environment, ROLE }))
    const [api, worker] = await Promise.all([start('api'), start('worker')])
    const watched = await watchReads(scene, api)
    const { calm, beside, rowsEach, import: imported } = watched
    scene.claim(
      'hot reads cost the database nothing',
      `${rowsEach.toFixed(3)} rows a read, over ${counted(calm.count, 'read')}`,
      rowsEach < ROWS_EACH_MAX,
    )
    const [byWorker, byApi] = [await importsDone(worker), await importsDone(api)]
    scene.claim(
      'the worker has applied the import, and the API process has not',
      `${imported.state}; messages done: worker ${byWorker}, API ${byApi}`,
      imported.state === 'succeeded' && byWorker >= 1 && byApi === 0,
    )
    const times = scene.patience()
    scene.claim(
      `99 of 100 requests beside it are answered within ${milliseconds(P99_MS_MAX)}, and none fails`,
      latencies(watched) + widened(P99_MS_MAX, times),
      beside.p99Ms < P99_MS_MAX * times && beside.answered === beside.count,
    )
  },
}

async function importsDone(service: Service): Promise<number> {
  return (await metricsOf(service)).get('worker_messages_total{type="import",outcome="done"}') ?? 0
}
