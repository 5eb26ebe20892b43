import { setTimeout as delay } from 'node:timers/promises'
import { metricsOf } from '../../app/test/support/figures.ts'
import { type Service, startService } from '../../app/test/support/service.ts'
import { acceptedImport, importOf, isApplied, succeeds } from '../../app/test/support/work/upload.ts'
import { whole } from '../../bench/text.ts'
import { waitUntil } from '../../local/wait.ts'
import type { Act } from '../act.ts'
import { hotReads, writeHotItems } from '../hot.ts'
import { IMPORT_SOON, importLines } from '../imports.ts'
import { startLoad } from '../load.ts'
import { failures, milliseconds } from '../words.ts'

const PER_SECOND = 100

/** A worker that is killed in the middle of its work. */
export const workerDies: Act = {
  name: 'worker-dies',
  tier: 4,
  title: 'A worker is killed in the middle of an import',
  why: 'SQS delivers a message again when its worker does not answer for it, and perhaps twice anyway. What has been done is in rows, in the transaction that did it: the next worker goes on where the last one ended.',
  needs: ['redis-server'],
  async play({ stage, recording, length, random, now, mark, claim }) {
    const environment = await stage.environment(4)
    const database = await stage.database()
    await using cleanup = new AsyncDisposableStack()
    const start = async (ROLE: string) => cleanup.use(await startService({ ...environment, ROLE }))
    const [api, ...workers] = await Promise.all([start('api'), start('worker'), start('worker')])
    await writeHotItems(api)
    const requests = hotReads(random)
    await using load = await startLoad(recording, { port: api.port, perSecond: PER_SECOND, requests })
    const prefix = `once-${random.below(2 ** 32)}`
    now(`an import of ${whole(length.importLines)} lines, and two workers`)
    const id = await acceptedImport(api, importLines(prefix, length.importLines))
    const victim = await busyOne(workers)
    await isApplied(api, id, Math.ceil(length.importLines * (0.1 + random.below(20) / 100)), IMPORT_SOON)
    await victim.kill()
    mark('its worker killed')
    const killedMs = performance.now()
    const { lines: early } = await importOf(api, id)
    const { state, lines } = await succeeds(api, id, IMPORT_SOON)
    mark('import applied')
    const tookMs = performance.now() - killedMs
    await delay(length.stretchMs / 6)
    await load.end()
    claim(
      'another worker goes on with it',
      `killed after ${whole(early.applied)} of ${whole(lines.total)} lines; ${state} ${milliseconds(tookMs)} later`,
      state === 'succeeded' && early.applied < lines.total && lines.applied === length.importLines,
    )
    const [stored] = await database.query(
      'select count(*)::int as items, coalesce(max(version), 0)::int as version from data where starts_with(id, $1)',
      [prefix],
    )
    const seen = async () => {
      const [feed] = await database.query(
        'select count(*)::int as changes, count(distinct id)::int as ids from feed where starts_with(id, $1)',
        [prefix],
      )
      return feed?.changes >= length.importLines && feed
    }
    const feed = await waitUntil('the changes are in the feed', seen, IMPORT_SOON)
    claim(
      'every line has arrived, and once',
      `${whole(stored?.items)} items, none above version ${stored?.version}; ${whole(feed.changes)} changes of ${whole(feed.ids)} ids in the feed`,
      stored?.items === length.importLines &&
        stored.version === 1 &&
        feed.changes === length.importLines &&
        feed.ids === length.importLines,
    )
    const all = recording.between(0, recording.nowMs())
    claim(
      'no request notices',
      `${failures(all)}, p99 ${milliseconds(all.p99Ms)}`,
      all.count > 0 && all.answered === all.count,
    )
  },
}

/** The one that holds the import's message. */
async function busyOne(workers: readonly Service[]): Promise<Service> {
  const find = async () => {
    for (const worker of workers) {
      if ((await metricsOf(worker)).get('worker_messages_in_progress') === 1) return worker
    }
    return undefined
  }
  return waitUntil('a worker works on the import', find, IMPORT_SOON)
}
