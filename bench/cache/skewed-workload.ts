import { randomInt } from 'node:crypto'
import { itemId, mixPutEvery, put } from '../postgres/key-space.ts'
import type { Workload } from '../workloads.ts'

/** So many of a hundred requests are for the first so many of a hundred items. */
const hotRequests = 80
const hotItems = 20
const requests = 200_000

/** One PUT in ten, the others GETs, in random order: 80% of both for 20% of the items. */
export function skewedWorkload(items: number): Workload {
  const hot = Math.ceil((items * hotItems) / 100)
  const anyId = (): string =>
    itemId(randomInt(100) < hotRequests ? randomInt(hot) : hot + randomInt(Math.max(1, items - hot)))
  return {
    name: 'skewed',
    status: 200,
    requests: Array.from({ length: requests }, (_, n) =>
      n % mixPutEvery === 0 ? put(anyId()) : { method: 'GET', path: `/data/${anyId()}` },
    ),
  }
}
