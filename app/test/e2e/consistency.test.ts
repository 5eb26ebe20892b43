/**
 * The promises about data, of several processes on one database, while everything is killed and stopped in turn
 * (promises 1 to 4). `TEST_SEED` brings a run's clients and faults back, though not its timing. A run of
 * `CONSISTENCY_ROUNDS` (2) has so many faults of each kind; for a long one, without the time limit of `npm test`:
 *
 *   CONSISTENCY_ROUNDS=50 node --test app/test/e2e/consistency.test.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import { type Cluster, startCluster } from '../support/consistency/cluster.ts'
import { agent } from '../support/consistency/exchange.ts'
import { FAULT_KINDS, runFaults } from '../support/consistency/faults.ts'
import { type Follower, followByPolls, followByStream, readToEnd } from '../support/consistency/followers.ts'
import { createRecorder, type Recorder } from '../support/consistency/recorder.ts'
import { reportOf } from '../support/consistency/report.ts'
import { get, list } from '../support/consistency/requests.ts'
import { LISTS, startWorkload } from '../support/consistency/workload.ts'
import { checkHistory } from '../support/history/check.ts'
import type { Outcome, Reader } from '../support/history/history.ts'
import { randomFrom, seedOf } from '../support/random.ts'

const PROCESSES = 3
const CLIENTS = 20
const ROUNDS = Number(process.env.CONSISTENCY_ROUNDS ?? 2)
const soon = { timeoutMs: 20_000 }

/** Less is no evidence. */
const MIN_OPERATIONS = 1500 * ROUNDS
const MIN_BY_OUTCOME: Readonly<Record<Outcome, number>> = {
  ok: 500 * ROUNDS,
  refused: 50 * ROUNDS,
  failed: 1,
  unknown: 1,
}
const MIN_BY_KIND = 20 * ROUNDS

test('no acknowledged write is lost, no version made twice, no read out of date, and the feed is exact', async (t) => {
  const seed = seedOf(t)
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.use(await startCluster(PROCESSES))
  cleanup.defer(() => agent.destroy())
  const { ports } = cluster
  const recorder = createRecorder(ports)
  const followers = [
    ...ports.map((_, process) => followByPolls(ports, process)),
    ...ports.map((_, process) => followByStream(ports, process)),
  ]
  for (const follower of followers) cleanup.use(follower)
  const workload = cleanup.use(startWorkload(recorder, { seed, clients: CLIENTS, processes: PROCESSES }))
  const faults = await runFaults(cluster, recorder, { rounds: ROUNDS, random: randomFrom(seed - 1) })
  await workload.end()

  await readAll(cluster, recorder, [...workload.ids])
  const history = { operations: recorder.operations, readers: await endOf(followers, cluster) }
  t.diagnostic(figuresOf(recorder, followers, faults))
  const violations = checkHistory(history)
  assert.ok(violations.length === 0, reportOf(history, violations, seed))
  assert.deepEqual(recorder.surprises, [])
  assertEnough(recorder, faults)
})

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

type Counts = ReadonlyMap<string, number>

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

function assertEnough(recorder: Recorder, faults: Counts): void {
  const { operations, kinds } = recorder
  assert.ok(operations.length >= MIN_OPERATIONS, `${operations.length} operations`)
  for (const [outcome, count] of Object.entries(MIN_BY_OUTCOME)) {
    assert.ok((outcomesOf(recorder).get(outcome) ?? 0) >= count, `too few writes were ${outcome}`)
  }
  for (const [kind, count] of kinds) assert.ok(count >= MIN_BY_KIND, `${count} ${kind}`)
  assert.deepEqual(faults, new Map(FAULT_KINDS.map((kind) => [kind, ROUNDS])))
}
