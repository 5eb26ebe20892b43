import { setTimeout as delay } from 'node:timers/promises'
import { type Service, startService } from '../../app/test/support/service.ts'
import { whole } from '../../bench/text.ts'
import { waitUntil } from '../../local/wait.ts'
import type { Act, Scene } from '../act.ts'
import { acceptedImports, allSucceed, IMPORT_SOON, IMPORTS, progressOf } from '../imports.ts'
import { unlessCrowded } from '../verdict.ts'
import { latencies, watchReads } from '../watch.ts'
import { counted, milliseconds } from '../words.ts'

const ROWS_EACH_MIN = 0.5
/** Imports that cost their neighbours less than that are no reason for anything. */
const WORSE = { p50: 1.25, p99: 1.5 }
const AWAY_MS = 1000

/** Tier 2 at its limits: what tier 4 is for. */
export const limits: Act = {
  name: 'limits',
  tier: 2,
  title: 'Reads cost the database, imports hang on the API',
  why: 'At tier 2 what everybody reads is read from PostgreSQL again and again, and imports are received and applied by the process that answers requests: they slow it down, and stop when it does.',
  async play(scene) {
    await using cleanup = new AsyncDisposableStack()
    const service = cleanup.use(await startService(await scene.stage.environment(2)))
    const watched = await watchReads(scene, service)
    const { calm, beside, cost } = watched
    scene.claim(
      'every read costs the database a row',
      `${(cost.rows / cost.reads).toFixed(2)} rows a read, over ${counted(cost.reads, 'read')}`,
      cost.rows > ROWS_EACH_MIN * cost.reads,
    )
    const isSlower = beside.p50Ms > WORSE.p50 * calm.p50Ms || beside.p99Ms > WORSE.p99 * calm.p99Ms
    scene.claim(
      `${IMPORTS} imports make the reads beside them slower`,
      latencies(watched),
      unlessCrowded(isSlower, scene.patience()),
    )
    scene.claim(
      'slower, and none of them fails',
      `${counted(calm.failed + calm.refused + beside.failed + beside.refused, 'failure')} in ${counted(calm.count + beside.count, 'request')}`,
      calm.answered + beside.answered === calm.count + beside.count,
    )
    await importsStandStill(scene, service, cleanup)
  },
}

/** The next process goes on with them when their claims have run out: `VISIBILITY_MS` of the port. */
async function importsStandStill(scene: Scene, service: Service, cleanup: AsyncDisposableStack) {
  const { stage, length, random, now, claim } = scene
  const database = await stage.database()
  now(`${IMPORTS} more imports, and kill -9 of the process`)
  const ids = await acceptedImports(service, random, length.eachImportLines)
  await service.kill()
  const isAlone = async () => {
    const [row] = await database.query(
      "select count(*)::int as sessions from pg_stat_activity where application_name = 'multi-aws'",
    )
    return row?.sessions === 0
  }
  // What a killed process has sent is still finished there.
  await waitUntil('its sessions at the database have ended', isAlone, IMPORT_SOON)
  const before = await progressOf(database, ids)
  await delay(AWAY_MS)
  const after = await progressOf(database, ids)
  now('the next process is started')
  const startedMs = performance.now()
  const next = cleanup.use(await startService(await stage.environment(2)))
  await allSucceed(next, ids)
  claim(
    'kill -9 of it stops its imports until it is started again: this is what workers are for',
    `${whole(before.applied)} of ${whole(before.total)} lines applied, and ${whole(after.applied)} a second later; all of them ${milliseconds(performance.now() - startedMs)} after the next start`,
    before.applied < before.total && after.applied === before.applied,
  )
}
