import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import type { Random } from '../random.ts'
import { ANSWER_TIMEOUT_MS, type Cluster, DATABASE_TIMEOUT_MS } from './cluster.ts'
import { type Recorder, TIMEOUT_MS } from './recorder.ts'
import { HOT_IDS, TWINS } from './workload.ts'

/** Longer than the clients wait, and than requests may: the process finds its connections as they were, and all late. */
const LONG_FREEZE_MS = Math.max(ANSWER_TIMEOUT_MS, TIMEOUT_MS) + 100

/** By what happens. Those that last do so for a random time. */
export type Faults = Readonly<Record<string, (cluster: Cluster, random: Random) => Promise<void>>>

/** To one of the processes, the database or a row. */
export const storeFaults: Faults = {
  async 'a process is killed'(cluster, random) {
    const process = random.below(cluster.ports.length)
    await cluster.kill(process)
    await delay(random.below(300))
    await cluster.start(process)
  },
  async 'PostgreSQL is killed'({ database }, random) {
    await database.crash()
    await delay(random.below(300))
    await database.start()
  },
  async 'all processes and PostgreSQL are killed'(cluster) {
    const processes = cluster.ports.keys().toArray()
    await Promise.all([cluster.database.crash(), ...processes.map((process) => cluster.kill(process))])
    // As after a power failure, in any order.
    await Promise.all([cluster.database.start(), ...processes.map((process) => cluster.start(process))])
  },
  async 'PostgreSQL is restarted'({ database }, random) {
    await database.stop()
    await delay(random.below(200))
    await database.start()
  },
  async 'a process stands still for a moment'(cluster, random) {
    await cluster.freeze(random.below(cluster.ports.length), 50 + random.below(DATABASE_TIMEOUT_MS / 2))
  },
  async 'a process stands still for longer than anybody waits'(cluster, random) {
    await cluster.freeze(random.below(cluster.ports.length), LONG_FREEZE_MS + random.below(300))
  },
  async 'PostgreSQL stands still for a moment'({ database }, random) {
    await frozen(database, 50 + random.below(DATABASE_TIMEOUT_MS / 2))
  },
  async 'PostgreSQL stands still for longer than anybody waits'({ database }, random) {
    await frozen(database, DATABASE_TIMEOUT_MS + 200 + random.below(400))
  },
  async 'all connections to PostgreSQL are cut'({ database }) {
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'multi-aws'`,
    )
  },
  async 'a row is locked'({ database }, random) {
    const id = random.pick([...HOT_IDS, ...TWINS.flat()])
    await database.query(
      `with locked as materialized (select from data where id = $1 for update) select pg_sleep($2) from locked`,
      [id, 0.2 + random.below(600) / 1000],
    )
  },
}

/** To the cache, and to those who would tell it. */
export const cacheFaults: Faults = {
  async 'Redis is killed'({ redis }, random) {
    await redis?.kill()
    await delay(random.below(300))
    await redis?.start()
  },
  async 'Redis is restarted'({ redis }) {
    await redis?.stop()
    await redis?.start()
  },
  async 'Redis is flushed'({ redis }) {
    await redis?.command('FLUSHALL')
  },
  async 'Redis is flushed again and again'({ redis }, random) {
    for (let times = 0; times < 10; times++) {
      await redis?.command('FLUSHALL')
      await delay(random.below(20))
    }
  },
  async 'Redis comes back with what it had some time ago'({ redis }, random) {
    await redis?.command('SAVE')
    // Longer than a cache may be behind.
    await delay(1000 + random.below(500))
    await redis?.kill()
    await redis?.start()
  },
  async 'Redis loses its position alone'({ redis }) {
    const keys = (await redis?.command('KEYS', 'position:*')) as readonly string[]
    if (keys.length > 0) await redis?.command('DEL', ...keys)
  },
  async 'Redis stands still for a moment'({ redis }, random) {
    redis?.freeze()
    await delay(20 + random.below(80))
    redis?.thaw()
  },
  async 'Redis stands still for longer than anybody waits'({ redis }, random) {
    redis?.freeze()
    await delay(500 + random.below(1500))
    redis?.thaw()
  },
  async 'a process is killed'(cluster, random) {
    await storeFaults['a process is killed']?.(cluster, random)
  },
  async 'a process stands still for longer than the cache may be behind'(cluster, random) {
    await cluster.freeze(random.below(cluster.ports.length), 1000 + random.below(500))
  },
  async 'PostgreSQL is killed'(cluster, random) {
    await storeFaults['PostgreSQL is killed']?.(cluster, random)
  },
}

const RECOVERY_MS_MAX = 15_000
const REST_MS_MAX = 200

async function frozen(database: Cluster['database'], ms: number): Promise<void> {
  database.freeze()
  try {
    await delay(ms)
  } finally {
    database.thaw()
  }
}

/**
 * Every fault once a round, in an order that the seed decides, each after the service has recovered from the one
 * before: every process acknowledges writes again.
 */
export async function runFaults(
  cluster: Cluster,
  recorder: Recorder,
  { faults, rounds, random }: { readonly faults: Faults; readonly rounds: number; readonly random: Random },
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  await recovered(cluster, recorder, 'the start')
  for (let round = 0; round < rounds; round++) {
    for (const kind of shuffled(Object.keys(faults), random)) {
      await delay(random.below(REST_MS_MAX))
      await faults[kind]?.(cluster, random)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      await recovered(cluster, recorder, kind)
    }
  }
  return counts
}

async function recovered({ ports }: Cluster, recorder: Recorder, kind: string): Promise<void> {
  const before = ports.map((_, process) => recorder.acknowledged(process))
  const all = () => before.every((count, process) => recorder.acknowledged(process) > count)
  await waitUntil(`every process acknowledges writes after: ${kind}`, all, { timeoutMs: RECOVERY_MS_MAX })
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  const left = [...all]
  const order: T[] = []
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1))
  return order
}
