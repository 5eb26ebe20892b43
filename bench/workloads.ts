import { writeFile } from 'node:fs/promises'
import { header } from './answers.ts'
import { ask, type Request, requestText } from './raw-http.ts'

export interface Workload {
  readonly name: string
  /** What is sent, in turn, over and over. */
  readonly requests: readonly Request[]
  /** The status that every answer has, once each request was sent once. */
  readonly status: number
}

export const workloadNames = ['get', 'get304', 'put'] as const
export type WorkloadName = (typeof workloadNames)[number]

const itemPath = '/data/1'
const putIds = 1_000

/** The requests of a workload. The subject behind `origin` must be ready: a conditional GET needs the ETag it gave. */
export async function workload(name: WorkloadName, origin: URL): Promise<Workload> {
  if (name === 'put') return { name, requests: Array.from({ length: putIds }, (_, n) => put(n)), status: 200 }
  const get: Request = { method: 'GET', path: itemPath }
  if (name === 'get') return { name, requests: [get], status: 200 }
  const etag = header(await ask(origin, get), 'etag')
  if (etag === undefined) throw new Error(`GET ${itemPath} gave no ETag`)
  return { name, requests: [{ ...get, headers: { 'If-None-Match': etag } }], status: 304 }
}

function put(n: number): Request {
  return {
    method: 'PUT',
    path: `/data/bench-${n}`,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: `item ${n}`, tags: ['small', 'json'], count: n, active: true }),
  }
}

/** Writes the requests as the load generators read them: whole texts, each ended by a zero byte. */
export async function writeRequests(
  file: string,
  { requests }: Pick<Workload, 'requests'>,
  origin: URL,
): Promise<void> {
  await writeFile(file, requests.map((request) => `${requestText(request, origin.host)}\0`).join(''))
}
