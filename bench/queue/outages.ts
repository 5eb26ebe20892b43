import { join } from 'node:path'
import type { SqsServer } from '../../app/test/support/sqs.ts'
import { waitUntil } from '../../local/wait.ts'
import { databaseWorkload, itemId, itemValue } from '../postgres/key-space.ts'
import type { Request } from '../raw-http.ts'
import { inRounds } from '../rounds.ts'
import { type Latency, type OpenLoopResult, refusedOf, runOpenLoop } from '../run-open-loop.ts'
import { median, medians } from '../statistics.ts'
import type { System } from '../system.ts'
import { writeRequests } from '../workloads.ts'

/** `black hole`: connections are taken, and nobody answers. `refused`: nobody listens. */
export type QueueState = 'up' | 'black hole' | 'refused'

/** What clients see with the queue in one state, and what becomes of their imports. */
export interface OutageRound {
  readonly put: Latency
  /** `POST /imports` with one line. */
  readonly post: Latency
  readonly imports: number
  /** Requests without an answer of 2xx. */
  readonly refused: number
  /** From the queue's return, or the end of the load, until every import has succeeded. */
  readonly caughtUpSeconds: number
}

export interface Outage {
  readonly state: QueueState
  readonly median: OutageRound
  /** p99 of PUTs and POSTs, as a part of that of the same round with the queue up: the medians. */
  readonly putRatio: number
  readonly postRatio: number
  readonly rounds: readonly OutageRound[]
}

export interface OutagesPlan {
  readonly items: number
  readonly putRate: number
  readonly postRate: number
  readonly rounds: number
  readonly seconds: number
}

const QUEUE_STATES: readonly QueueState[] = ['up', 'black hole', 'refused']
const CONNECTIONS = 256
/** Ids of the imports' lines, which nobody else writes. */
const IMPORT_IDS = 1_000
const WARM_UP_SECONDS = 1
const CATCH_UP_MS_MAX = 60_000

/** Writes and small imports at fixed rates, with the queue in each state in turn within each round. */
export async function outages(
  system: System,
  sqs: SqsServer,
  plan: OutagesPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<Outage[]> {
  const files = await requestFiles(system, plan, dir)
  await load(system, files, { ...plan, seconds: WARM_UP_SECONDS })
  await allDone(system)
  const rounds = await inRounds(QUEUE_STATES, plan, async (state, round) => {
    progress(`queue: round ${round} of ${plan.rounds}, ${state}`)
    await system.database.settled()
    await system.api.clearLog()
    return oneRound(system, sqs, state, files, plan)
  })
  const up = rounds[0] ?? []
  return QUEUE_STATES.map((state, at) => summary(state, rounds[at] ?? [], up))
}

interface Files {
  readonly put: string
  readonly post: string
}

async function requestFiles({ api }: System, { items }: OutagesPlan, dir: string): Promise<Files> {
  const files = { put: join(dir, 'queue-put.requests'), post: join(dir, 'queue-post.requests') }
  await writeRequests(files.put, databaseWorkload('put', items), api.origin)
  const requests = Array.from({ length: IMPORT_IDS }, (_, n) => postOf(itemId(items + n)))
  await writeRequests(files.post, { requests }, api.origin)
  return files
}

/** An import of one line. */
export function postOf(id: string): Request {
  return {
    method: 'POST',
    path: '/imports',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: `{"id":"${id}","value":${itemValue(id)}}\n`,
  }
}

async function oneRound(
  system: System,
  sqs: SqsServer,
  state: QueueState,
  files: Files,
  plan: OutagesPlan,
): Promise<OutageRound> {
  if (state === 'black hole') sqs.freeze()
  if (state === 'refused') await sqs.kill()
  const { put, post } = await load(system, files, plan)
  const returnMs = performance.now()
  if (state === 'black hole') sqs.thaw()
  if (state === 'refused') await sqs.start()
  await allDone(system)
  return {
    put: put.acceptedLatency,
    post: post.acceptedLatency,
    imports: post.accepted,
    refused: refusedOf(put) + refusedOf(post),
    caughtUpSeconds: (performance.now() - returnMs) / 1000,
  }
}

async function load(
  { api: { origin } }: System,
  files: Files,
  { putRate, postRate, seconds }: OutagesPlan,
): Promise<{ put: OpenLoopResult; post: OpenLoopResult }> {
  const [put, post] = await Promise.all([
    runOpenLoop(origin, files.put, { rate: putRate, seconds, connections: CONNECTIONS }, 'anywhere'),
    runOpenLoop(origin, files.post, { rate: postRate, seconds, connections: CONNECTIONS }, 'anywhere'),
  ])
  return { put, post }
}

/** Resolves when every import has succeeded. Throws when one has not, or not in time. */
export async function allDone({ database }: Pick<System, 'database'>): Promise<void> {
  const count = async (where: string) =>
    Number((await database.query(`select count(*) from imports where ${where}`))[0]?.[0])
  const isDone = async () => (await count('finished_at is null')) === 0
  await waitUntil('every import is done', isDone, { timeoutMs: CATCH_UP_MS_MAX })
  const others = await count("state <> 'succeeded'")
  if (others > 0) throw new Error(`${others} imports have not succeeded`)
}

function summary(state: QueueState, rounds: readonly OutageRound[], up: readonly OutageRound[]): Outage {
  const of = (pick: (round: OutageRound) => number): number => median(rounds.map(pick))
  const ratio = (kind: 'put' | 'post'): number =>
    median(rounds.map((round, at) => round[kind].p99Ms / (up[at]?.[kind].p99Ms ?? Number.NaN)))
  return {
    state,
    median: {
      put: medians(rounds.map(({ put }) => put)),
      post: medians(rounds.map(({ post }) => post)),
      imports: of(({ imports }) => imports),
      refused: of(({ refused }) => refused),
      caughtUpSeconds: of(({ caughtUpSeconds }) => caughtUpSeconds),
    },
    putRatio: ratio('put'),
    postRatio: ratio('post'),
    rounds,
  }
}
