import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { checkHistory } from '../history/check.ts'
import type { Reader } from '../history/history.ts'
import { randomFrom, seedOf } from '../random.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { agent } from './exchange.ts'
import { type Faults, runFaults } from './faults.ts'
import { type Follower, followByPolls, followByStream, readToEnd } from './followers.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import { reportOf } from './report.ts'
import { get, list } from './requests.ts'
import { LISTS, startWorkload } from './workload.ts'

const PROCESSES = 3
const CLIENTS = 20
/** With a cache. */
const GLANCES = 4
const soon = { timeoutMs: 20_000 }

export interface ConsistencyOptions {
  readonly withCache: boolean
  readonly faults: Faults
  /** Of each kind of fault. */
  readonly rounds: number
}

export interface ConsistencyRun {
  readonly cluster: Cluster
  readonly recorder: Recorder
  readonly ids: readonly string[]
  /** Writes, by what became of them. */
  readonly outcomes: Counts
}

type Counts = ReadonlyMap<string, number>

/**
 * Clients write and read at three processes, everything in `faults` happens to them `rounds` times, and the whole
 * history is checked. Then `atRest` looks at what is left, while all processes still run.
 */
export async function runConsistency(
  t: TestContext,
  { withCache, faults, rounds }: ConsistencyOptions,
  atRest: (run: ConsistencyRun) => Promise<void> = async () => {},
): Promise<ConsistencyRun> {
  const seed = seedOf(t)
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.use(await startCluster(PROCESSES, { withCache }))
  cleanup.defer(() => agent.destroy())
  const { ports } = cluster
  const recorder = createRecorder(ports)
  const followers = [
    ...ports.map((_, process) => followByPolls(ports, process)),
    ...ports.map((_, process) => followByStream(ports, process)),
  ]
  for (const follower of followers) cleanup.use(follower)
  const workload = cleanup.use(
    startWorkload(recorder, {
      seed,
      clients: CLIENTS,
      processes: PROCESSES,
      glances: withCache ? GLANCES : 0,
    }),
  )
  const happened = await runFaults(cluster, recorder, { faults, rounds, random: randomFrom(seed - 1) })
  await workload.end()

  const ids = [...workload.ids]
  await readAll(cluster, recorder, ids)
  const history = { operations: recorder.operations, readers: await endOf(followers, cluster) }
  t.diagnostic(figuresOf(recorder, followers, happened))
  const violations = checkHistory(history)
  assert.ok(violations.length === 0, reportOf(history, violations, seed))
  assert.deepEqual(recorder.surprises, [])
  assert.deepEqual(happened, new Map(Object.keys(faults).map((kind) => [kind, rounds])))
  const run = { cluster, recorder, ids, outcomes: outcomesOf(recorder) }
  await atRest(run)
  return run
}

/** Everything, by all processes, when nothing is under way any more. */
async function readAll({ ports, database }: Cluster, recorder: Recorder, ids: readonly string[]) {
  const active = `select from pg_stat_activity where application_name = 'multi-aws' and state <> 'idle'`
  await waitUntil('no statement is under way', async () => (await database.query(active)).length === 0, soon)
  const lists = ports.flatMap((_, process) =>
    LISTS.map(([prefix, all]) => ({ process, asked: list(prefix, all) })),
  )
  const items = ids.map((id, index) => ({ process: index % ports.length, asked: get(id, true) }))
  const queue = [...lists, ...items].values()
  const read = async () => {
    for (const { process, asked } of queue) {
      const isRead = async () => (await recorder.run(process, asked)).operation.outcome === 'ok'
      await waitUntil(`${asked.request.path} is read`, isRead, soon)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, read))
}

/** The followers, and readers that begin at the end; all of them have read everything. */
async function endOf(followers: readonly Follower[], { ports }: Cluster): Promise<Reader[]> {
  const latecomers = []
  for (const [process, port] of ports.entries())
    latecomers.push(await readToEnd(port, `latecomer ${process}`))
  const last = Math.max(...latecomers.map(({ changes }) => changes.length))
  await Promise.all(followers.map((follower) => follower.reached(last, soon.timeoutMs)))
  await Promise.all(followers.map((follower) => follower.end()))
  return [...followers, ...latecomers]
}

function outcomesOf({ operations }: Recorder): Counts {
  const writes = operations.filter((operation) => operation.writes.length > 0)
  return countsOf(writes.map(({ outcome }) => outcome))
}

function countsOf(names: readonly string[]): Counts {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function figuresOf(recorder: Recorder, followers: readonly Follower[], faults: Counts): string {
  const shown = (counts: Counts) => [...counts].map(([name, count]) => `${count} ${name}`).join(', ')
  const interruptions = followers.map((follower) => follower.interruptions).join(' + ')
  return [
    `${recorder.operations.length} operations: ${shown(recorder.kinds)}`,
    `writes: ${shown(outcomesOf(recorder))}; followers were interrupted ${interruptions} times`,
    `faults: ${shown(faults)}`,
  ].join('\n')
}
