import { setTimeout as delay } from 'node:timers/promises'
import type { Operation } from '../history/history.ts'
import { type Random, randomFrom } from '../random.ts'
import type { HttpAnswer } from './exchange.ts'
import type { Asked, Recorder } from './recorder.ts'
import { type BatchPart, batch, create, creation, get, list, patch, put, remove } from './requests.ts'

const names = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n + 1}`)

/** Everybody wants these at once. */
export const HOT_IDS = names('hot', 3)
const COLD_IDS = names('cold', 40)
/** Pairs that are only written by batches that write both. */
export const TWINS = names('twins', 2).map((name) => [`${name}-a`, `${name}-b`] as const)

/** Prefixes, and all ids that begin with them. */
export const LISTS = [
  ['hot-', HOT_IDS],
  ['cold-', COLD_IDS],
  ['twins-', TWINS.flat()],
] as const

const HOT_SHARE = 0.7
const CREATE_SHARE = 0.03
/** Of the writes that are acknowledged, how many are looked for at once. */
const LOOK_SHARE = 0.6
const PAUSE_MS_MAX = 20
/** Of a client that was told that nothing was done. */
const RETRY_MS_MAX = 100
const CREATE_MS_MAX = 60_000

export interface Workload extends AsyncDisposable {
  /** Every id that was written or read. */
  readonly ids: ReadonlySet<string>
  /** Resolves when every request has ended. */
  end(): Promise<void>
}

/**
 * Clients that read, write and compete, each asking another process every time. What each does depends on the seed and
 * on nothing else but what it has read.
 */
export function startWorkload(recorder: Recorder, options: WorkloadOptions): Workload {
  const { seed, clients } = options
  const ids = new Set([...HOT_IDS, ...COLD_IDS, ...TWINS.flat()])
  const ending = new AbortController()
  const shared: Shared = { ...options, recorder, ids, latest: new Map(), ending: ending.signal }
  const all = Promise.all(
    Array.from({ length: clients }, (_, n) => runClient(`c${n}`, randomFrom(seed + n), shared)),
  )
  // It is looked at in the end, and must not end the test before.
  all.catch(() => {})
  const end = async () => {
    ending.abort()
    await all
  }
  return { ids, end, [Symbol.asyncDispose]: () => end().catch(() => {}) }
}

export interface WorkloadOptions {
  readonly seed: number
  readonly clients: number
  readonly processes: number
  /** Reads that a cache may answer, after everything that a client does. */
  readonly glances: number
}

interface Shared extends WorkloadOptions {
  readonly recorder: Recorder
  readonly ids: Set<string>
  /** The version of each id that was seen last by anybody: what all writers condition their writes on. */
  readonly latest: Map<string, number>
  readonly ending: AbortSignal
}

interface Client extends Shared {
  readonly random: Random
  /** Names no other write has. */
  readonly newName: () => string
}

async function runClient(name: string, random: Random, shared: Shared): Promise<void> {
  let writes = 0
  const client: Client = { ...shared, random, newName: () => `${name}-${++writes}` }
  while (!shared.ending.aborted) {
    if (random.chance(CREATE_SHARE)) await createOnce(client)
    else await askAndLook(client)
    for (let glance = 0; glance < shared.glances; glance++) await ask(client, get(idOf(client), false))
    await delay(random.below(PAUSE_MS_MAX))
  }
}

/** What is acknowledged is there at once: at any process, whoever else has just read the same there. */
async function askAndLook(client: Client): Promise<void> {
  const { outcome, writes } = await ask(client, chosen(client))
  const [write] = writes
  if (outcome === 'ok' && write !== undefined && client.random.chance(LOOK_SHARE)) {
    await ask(client, get(write.id, true))
  }
  if (outcome === 'failed') await delay(client.random.below(RETRY_MS_MAX))
}

async function ask(client: Client, asked: Asked): Promise<Operation> {
  const { recorder, latest } = client
  const { operation } = await recorder.run(processOf(client), asked)
  for (const { id, version } of operation.sights) latest.set(id, version)
  for (const { id, version } of operation.writes) {
    if (version !== undefined) latest.set(id, version)
  }
  return operation
}

/** One that answers, if there is one. */
function processOf({
  recorder,
  random,
  processes,
}: Pick<Client, 'recorder' | 'random' | 'processes'>): number {
  const first = random.below(processes)
  const others = Array.from({ length: processes }, (_, n) => (first + n) % processes)
  return others.find((process) => recorder.answers(process)) ?? first
}

function idOf({ random }: Client): string {
  return random.pick(random.chance(HOT_SHARE) ? HOT_IDS : COLD_IDS)
}

function chosen(client: Client): Asked {
  const { random, newName, latest } = client
  const id = idOf(client)
  const version = latest.get(id) ?? 0
  const dice = random.below(100)
  if (dice < 26) return get(random.chance(0.2) ? random.pick(TWINS.flat()) : id, random.chance(0.5))
  if (dice < 33) return listOf(random)
  if (dice < 45) return put(id, newName(), undefined)
  if (dice < 65) return put(id, newName(), version)
  if (dice < 69) return put(id, newName(), 0)
  if (dice < 73) return remove(id, undefined)
  if (dice < 76) return remove(id, version === 0 ? undefined : version)
  if (dice < 84) return patch(id, newName(), random.chance(0.3) && version > 0 ? version : 'present')
  if (dice < 92) return batch(mixedParts(client), newName())
  return batch(twinParts(client), newName())
}

function listOf(random: Random): Asked {
  const [prefix, ids] = random.pick(LISTS)
  return list(prefix, ids)
}

/** Two to five ids, with and without conditions. */
function mixedParts({ random, latest }: Client): BatchPart[] {
  const ids = new Set([random.pick(HOT_IDS), random.pick([...HOT_IDS, ...COLD_IDS])])
  for (let more = random.below(4); more > 0; more--) ids.add(random.pick(COLD_IDS))
  return [...ids].map((id) => {
    const version = latest.get(id) ?? 0
    const op = random.chance(0.15) && version > 0 ? 'delete' : 'put'
    return { op, id, condition: random.chance(0.4) ? version : undefined }
  })
}

function twinParts({ random, latest }: Client): BatchPart[] {
  const twins = random.pick(TWINS)
  const version = latest.get(twins[0]) ?? 0
  const op = random.chance(0.15) && version > 0 ? 'delete' : 'put'
  const condition = random.chance(0.5) ? version : undefined
  return twins.map((id) => ({ op, id, condition }))
}

/** Tries at one process after the other until it is answered, and sometimes once more. */
async function createOnce(client: Client): Promise<void> {
  const { recorder, random, ids, processes } = client
  const by = client.newName()
  const asked = create(`${client.seed}-${by}`, by)
  const startMs = performance.now()
  let process = processOf(client)
  let created: HttpAnswer | undefined
  for (let moreTries = random.below(2); ; process = (process + 1) % processes) {
    const { operation, answer } = await recorder.run(process, asked)
    const isAnswered = operation.outcome === 'ok' && typeof answer !== 'string'
    if (isAnswered && created === undefined) {
      created = answer
      ids.add(answer.json.id)
      recorder.add(creation({ ...operation, startMs }, answer, by))
    } else if (isAnswered) expectSame(recorder, operation, created, answer)
    if (created !== undefined && moreTries-- === 0) return
    if (performance.now() - startMs > CREATE_MS_MAX) throw new Error(`never answered: ${operation.text}`)
    await delay(random.below(isAnswered ? PAUSE_MS_MAX : RETRY_MS_MAX))
  }
}

function expectSame(
  recorder: Recorder,
  { text }: Operation,
  first: HttpAnswer | undefined,
  again: HttpAnswer,
) {
  if (JSON.stringify(first?.json) !== JSON.stringify(again.json)) {
    recorder.surprise(`another answer to the same request: ${text}`)
  }
}
