import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '../../../bench/statistics.ts'
import { waitUntil } from '../../../local/wait.ts'
import { ask } from './ask.ts'
import { type ItemAnswer, NO_CACHE, readItem } from './cached-item.ts'
import type { Service } from './service.ts'

/** What a cache tells without a mark may be so far behind what had been acknowledged when it was asked. */
export const BEHIND_MS_MAX = 1000

const CLIENTS = 8
/** Ids that everybody reads, each written by one of the clients. */
const IDS = Array.from({ length: CLIENTS }, (_, n) => `load-${n}`)
/** Ids that are written once: too many for the near level to have them when they are read again. */
const STILL = Array.from({ length: 100 }, (_, n) => `still-${n}`)
const READS_PER_WRITE = 4
/** So that the load is heavy for nobody, and a few hundred requests take less than a second. */
const PAUSE_MS = 20
const TIMEOUT_MS = 30_000

interface Timed {
  readonly startMs: number
  readonly tookMs: number
}

/** Readers and writers, each of whom knows what the answers have to be. */
export interface CacheLoad extends AsyncDisposable {
  /** Answers that break a promise. */
  readonly faults: readonly string[]
  /** All requests so far. */
  readonly requests: readonly Timed[]
  /** Resolves when so many more requests have been answered. */
  goesOn(requests: number): Promise<void>
  end(): Promise<void>
}

/**
 * Clients of one process that read everything, and write an item of their own each. A write has to be acknowledged; a
 * read with `no-cache` has to be the last acknowledged write; any other read may be `BEHIND_MS_MAX` behind.
 */
export function startCacheLoad(service: Pick<Service, 'url'>): CacheLoad {
  const faults: string[] = []
  const requests: Timed[] = []
  /** Of each id, when which version was acknowledged: the index is the version. */
  const acknowledgedMs = new Map<string, number[]>([...IDS, ...STILL].map((id) => [id, []]))
  let nextStill = 0
  let hasEnded = false

  function note(startMs: number): void {
    requests.push({ startMs, tookMs: performance.now() - startMs })
  }

  async function write(id: string): Promise<void> {
    const versions = acknowledgedMs.get(id) as number[]
    const startMs = performance.now()
    const { status, body } = await ask<{ version: number }>(service, 'PUT', `/data/${id}`, versions.length)
    note(startMs)
    if (status >= 300) return void faults.push(`PUT ${id}: ${status} ${JSON.stringify(body)}`)
    versions[body.version] = performance.now()
  }

  async function read(id: string, headers = {}): Promise<ItemAnswer> {
    const answer = await readItem(service, id, headers)
    note(answer.startMs)
    return answer
  }

  async function readAny(id: string): Promise<void> {
    const answer = await read(id)
    const behindMs =
      answer.startMs - (acknowledgedMs.get(id)?.[answer.version + 1] ?? Number.POSITIVE_INFINITY)
    if (answer.status === 200 && (answer.isStale || behindMs <= BEHIND_MS_MAX)) return
    faults.push(`GET ${id}: ${JSON.stringify(answer)}, ${Math.round(behindMs)} ms behind`)
  }

  async function readOwn(id: string): Promise<void> {
    const last = (acknowledgedMs.get(id)?.length ?? 0) - 1
    const answer = await read(id, NO_CACHE)
    if (answer.status !== 200 || answer.version !== last)
      faults.push(`GET ${id} with no-cache: ${JSON.stringify(answer)} instead of version ${last}`)
  }

  async function readNobodys(id: string): Promise<void> {
    const answer = await read(id)
    if (answer.status !== 404) faults.push(`GET ${id}: ${JSON.stringify(answer)}`)
  }

  async function client(own: string, n: number): Promise<void> {
    for (let turn = 0; !hasEnded; turn++) {
      await write(own)
      for (let at = 0; at < READS_PER_WRITE && !hasEnded; at++) {
        await readAny(IDS[(n + turn + at) % IDS.length] as string)
        await readAny(STILL[nextStill++ % STILL.length] as string)
        await delay(PAUSE_MS)
      }
      await readOwn(own)
      await readNobodys(`nobodys-${turn % 100}`)
    }
  }

  async function run(): Promise<void> {
    await Promise.all([...IDS, ...STILL].map(write))
    await Promise.all(IDS.map(client))
  }

  const running = run().catch((error: unknown) => void faults.push(String(error)))
  const end = async () => {
    hasEnded = true
    await running
  }
  return {
    faults,
    requests,
    async goesOn(more) {
      const enough = requests.length + more
      const answered = () => requests.length >= enough || faults.length > 0
      await waitUntil(`${more} more requests are answered`, answered, { timeoutMs: TIMEOUT_MS })
    },
    end,
    [Symbol.asyncDispose]: end,
  }
}

export interface QuantilesMs {
  readonly p99: number
  readonly max: number
}

/** Of the requests that began in this time. */
export function quantilesMs(requests: readonly Timed[], fromMs: number, toMs: number): QuantilesMs {
  const times = requests
    .filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
    .map(({ tookMs }) => tookMs)
  return { p99: percentile(times, 0.99), max: percentile(times, 1) }
}
