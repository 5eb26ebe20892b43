import { writeFile } from 'node:fs/promises'
import { getItem, ifChanged, putItem } from './item-requests.ts'
import { ask, type Request, requestText } from './raw-http.ts'

export interface Workload {
  readonly name: string
  /** What is sent, in turn, over and over. */
  readonly requests: readonly Request[]
  /** The status that every answer has, once each request was sent once. */
  readonly status: number
}

export const WORKLOAD_NAMES = ['get', 'get304', 'put'] as const
export type WorkloadName = (typeof WORKLOAD_NAMES)[number]

/** An item that `SEED_DATA` puts into an empty store. */
export const getSeeded = getItem('1')
const PUT_IDS = 1_000

/** The requests of a workload. The subject behind `origin` must be ready: a conditional GET needs the ETag it gave. */
export async function workload(name: WorkloadName, origin: URL): Promise<Workload> {
  if (name === 'put')
    return { name, requests: Array.from({ length: PUT_IDS }, (_, n) => putSmall(n)), status: 200 }
  if (name === 'get') return { name, requests: [getSeeded], status: 200 }
  const get304 = ifChanged(getSeeded, await ask(origin, getSeeded))
  return { name, requests: [get304], status: 304 }
}

export function putSmall(n: number): Request {
  const value = { name: `item ${n}`, tags: ['small', 'json'], count: n, active: true }
  return putItem(`bench-${n}`, JSON.stringify(value))
}

/** Writes the requests as the load generators read them: whole texts, each ended by a zero byte. */
export async function writeRequests(
  file: string,
  { requests }: Pick<Workload, 'requests'>,
  origin: URL,
): Promise<void> {
  await writeFile(file, requests.map((request) => `${requestText(request, origin.host)}\0`).join(''))
}
