import { AppError } from '../domain/errors.ts'
import type { Caller } from '../ports/store.ts'

export interface LineOptions<Request> {
  /** Of one batch. A request that is larger by itself travels alone. */
  readonly rowsMax: number
  readonly bytesMax?: number
  readonly bytesOf?: (request: Request) => number
  /** What a request is about; undefined when that does not matter. */
  readonly keyOf?: (request: Request) => string | undefined
  /**
   * `share`: requests for one key that wait together are one row, and get the same answer.
   * `exclude`: a key is in one batch at a time, and there once; other requests for it wait for their turn.
   */
  readonly sameKey?: 'share' | 'exclude'
}

export interface Waiting<Answer> {
  readonly caller: Caller
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** A row of a batch, and who waits for it: more than one where rows are shared. */
export interface Row<Request, Answer> {
  readonly request: Request
  readonly key: string | undefined
  waiting: Waiting<Answer>[]
}

/** Requests that wait to be sent, in the order in which they came. */
export interface Line<Request, Answer> {
  add(request: Request, waiting: Waiting<Answer>): void
  /** Whether there is a row to take. */
  hasReady(): boolean
  /**
   * The next batch: the first rows whose keys are free, as far as they fit. Those that nobody waits for any more are
   * dropped. The keys are busy until they are released.
   */
  take(): Row<Request, Answer>[]
  release(row: Row<Request, Answer>): void
  /** Every row, whatever its key. */
  takeAll(): Row<Request, Answer>[]
  readonly length: number
}

export function createLine<Request, Answer>(options: LineOptions<Request>): Line<Request, Answer> {
  const { rowsMax, bytesMax = Number.POSITIVE_INFINITY, bytesOf = () => 0 } = options
  const { keyOf = () => undefined, sameKey = 'exclude' } = options
  let rows: Row<Request, Answer>[] = []
  /**
   * `share`: the rows in line, by key. A new one for each batch: V8's maps leave each table that they outgrow pointing
   * to the next one, and once the first of those is old, all that was ever in the map is collected with the old objects.
   */
  let shared = new Map<string, Row<Request, Answer>>()
  /** `exclude`: the keys of rows that were taken and not released. */
  const busy = new Set<string>()

  function isReady({ key }: Row<Request, Answer>): boolean {
    return key === undefined || !busy.has(key)
  }

  return {
    add(request, waiting) {
      const key = keyOf(request)
      const row = key === undefined ? undefined : shared.get(key)
      if (row !== undefined) {
        row.waiting.push(waiting)
        return
      }
      const added = { request, key, waiting: [waiting] }
      rows.push(added)
      if (sameKey === 'share' && key !== undefined) shared.set(key, added)
    },

    hasReady: () => rows.some(isReady),

    take() {
      const batch: Row<Request, Answer>[] = []
      const left: Row<Request, Answer>[] = []
      let bytes = 0
      let isFull = false
      for (const row of rows) {
        const rowBytes = bytesOf(row.request)
        isFull ||= batch.length >= rowsMax || (batch.length > 0 && bytes + rowBytes > bytesMax)
        if (isFull || !isReady(row)) {
          left.push(row)
          continue
        }
        if (!isWanted(row)) continue
        bytes += rowBytes
        batch.push(row)
        if (sameKey === 'exclude' && row.key !== undefined) busy.add(row.key)
      }
      rows = left
      if (sameKey === 'share') shared = byKey(left)
      return batch
    },

    release({ key }) {
      if (key !== undefined) busy.delete(key)
    },

    takeAll() {
      const all = rows
      rows = []
      shared = new Map()
      return all
    },

    get length() {
      return rows.length
    },
  }
}

/** Whether anybody still waits for the row. Those whose time is over are told so, and that nothing was done. */
export function isWanted<Answer>(row: Row<unknown, Answer>): boolean {
  const nowMs = performance.now()
  row.waiting = row.waiting.filter(({ caller, reject }) => {
    const waits = !caller.left && caller.deadlineMs > nowMs
    if (!waits)
      reject(new AppError('unavailable', 'The request waited longer than it may; nothing was done.'))
    return waits
  })
  return row.waiting.length > 0
}

function byKey<Request, Answer>(rows: readonly Row<Request, Answer>[]): Map<string, Row<Request, Answer>> {
  const map = new Map<string, Row<Request, Answer>>()
  for (const row of rows) if (row.key !== undefined) map.set(row.key, row)
  return map
}
