import { startService } from '../../app/test/support/service.ts'
import type { Act } from '../act.ts'
import { latencies, watchReads } from '../watch.ts'
import { counted } from '../words.ts'

const ROWS_EACH_MIN = 0.5
/** An import that costs its neighbours less than that is no reason for anything. */
const WORSE = { p50: 1.25, p99: 1.5 }

/** Tier 2 at its limits: what tier 4 is for. */
export const limits: Act = {
  name: 'limits',
  tier: 2,
  title: 'Reads cost the database, imports cost the readers',
  why: 'At tier 2 what everybody reads is read from PostgreSQL again and again, and an import is received and applied by the process and the database that answer requests.',
  async play(scene) {
    await using service = await startService(await scene.stage.environment(2))
    const watched = await watchReads(scene, service)
    const { calm, beside, rowsEach } = watched
    scene.claim(
      'every read costs the database a row',
      `${rowsEach.toFixed(2)} rows a read, over ${counted(calm.count, 'read')}`,
      rowsEach > ROWS_EACH_MIN,
    )
    scene.claim(
      'an import makes the requests beside it slower: this is what tier 4 is for',
      latencies(watched),
      beside.p50Ms > WORSE.p50 * calm.p50Ms || beside.p99Ms > WORSE.p99 * calm.p99Ms,
    )
    scene.claim(
      'slower, and none of them fails',
      `${counted(calm.failed + calm.refused + beside.failed + beside.refused, 'failure')} in ${counted(calm.count + beside.count, 'request')}`,
      calm.answered + beside.answered === calm.count + beside.count,
    )
  },
}
