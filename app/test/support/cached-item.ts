import { waitUntil } from '../../../local/wait.ts'
import { metricsOf } from './figures.ts'
import type { Service } from './service.ts'

type Asked = Pick<Service, 'url'>

/** What a reader is told of an item, and by whom. */
export interface ItemAnswer {
  readonly status: number
  /** 0 for an absent item. */
  readonly version: number
  readonly value: unknown
  /** What answered, as `Cache-Status` has it: `near; hit`, `redis; hit`, `redis; fwd=miss`, `redis; fwd=request`. */
  readonly cacheStatus: string
  readonly isStale: boolean
  readonly ageSeconds: number | undefined
  /** On the clock of `performance.now()`. */
  readonly startMs: number
  readonly endMs: number
}

export const FROM_NEAR = 'near; hit'
export const FROM_REDIS = 'redis; hit'
export const FROM_STORE = 'redis; fwd=miss'
/** Of a read that asked for the store. */
export const AS_ASKED = 'redis; fwd=request'
const STALE = 'redis; hit; detail=stale'

export const NO_CACHE = { 'cache-control': 'no-cache' }

export async function readItem(
  { url }: Asked,
  id: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ItemAnswer> {
  const startMs = performance.now()
  const response = await fetch(`${url}/data/${id}`, { headers })
  const text = await response.text()
  const { version = 0, value } = response.status === 200 ? JSON.parse(text) : {}
  const age = response.headers.get('age')
  const cacheStatus = response.headers.get('cache-status') ?? ''
  return {
    status: response.status,
    version,
    value,
    cacheStatus,
    isStale: cacheStatus === STALE,
    ageSeconds: age === null ? undefined : Number(age),
    startMs,
    endMs: performance.now(),
  }
}

/** Reads until the answer says that this level gave it. */
export async function readFrom(service: Asked, id: string, cacheStatus: string): Promise<ItemAnswer> {
  const read = async () => {
    const answer = await readItem(service, id)
    return answer.cacheStatus === cacheStatus && answer
  }
  return waitUntil(`${id} is told with ${cacheStatus}`, read, { timeoutMs: 15_000 })
}

/** 0 closed, 1 half-open, 2 open. */
export async function breakerOf(service: Asked): Promise<number> {
  return (await metricsOf(service)).get('cache_breaker_state') ?? Number.NaN
}
