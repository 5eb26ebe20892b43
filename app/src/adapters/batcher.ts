import { backoffMs } from '../domain/backoff.ts'
import type { AppError } from '../domain/errors.ts'
import type { Caller } from '../ports/store.ts'
import { createLine, isWanted, type LineOptions, type Row } from './line.ts'

/**
 * Natural batching: while one round trip is in flight, requests wait in line; when a lane is free again, all that fit
 * travel in the next one. At low load nothing waits, and at high load batches grow by themselves.
 *
 * A request only ever joins a batch that has not been sent, so what it reads is not older than itself. A request whose
 * caller has left, or whose time is over, is never sent.
 */
export interface Batcher<Request, Answer> {
  /**
   * Resolves to the request's answer. Rejects with `unavailable` when its caller's time was over before it could be
   * done, and with what `withLane` or `send` rejected with.
   */
  add(request: Request, caller: Caller): Promise<Answer>
  /** Requests that wait to be sent. */
  readonly waiting: number
}

export interface BatcherOptions<Request, Answer, Lane> extends LineOptions<Request> {
  /** Batches in flight at one time. */
  readonly lanesMax: number
  /** Lends a lane, once there is one. Rejects when there is none to be had: whoever waits is told so. */
  readonly withLane: (use: (lane: Lane) => Promise<void>) => Promise<void>
  /**
   * One round trip. Resolves to the answers in the requests' order; `AGAIN` sends one once more. Throws `BatchRefused`
   * when nothing of the batch took effect and a part of it may be to blame: then its parts are tried apart.
   */
  readonly send: (lane: Lane, requests: readonly Request[]) => Promise<readonly (Answer | typeof AGAIN)[]>
  /** Sees every batch that was sent: its rows, and how long the round trip took. */
  readonly onBatch?: (rows: number, ms: number) => void
}

export const AGAIN = Symbol('again')

/** Nothing of a batch took effect. */
export class BatchRefused extends Error {
  /** What a request gets that was refused alone. */
  readonly verdict: AppError
  /** Whether the reason may go away by itself, as another's lock does: then a request is tried until its time is over. */
  readonly passes: boolean

  constructor(verdict: AppError, { passes }: { passes: boolean }) {
    super(verdict.message, { cause: verdict.cause })
    this.verdict = verdict
    this.passes = passes
  }
}

const RETRY = { baseMs: 20, maxMs: 500 }

/** Rows of a batch that was refused. They travel by themselves until they are done. */
interface Part<Request, Answer> {
  readonly rows: Row<Request, Answer>[]
  readonly attempt: number
}

export function createBatcher<Request, Answer, Lane>(
  options: BatcherOptions<Request, Answer, Lane>,
): Batcher<Request, Answer> {
  type Rows = Row<Request, Answer>[]
  const { lanesMax } = options
  /** What waits behind a locked row must not take every lane. */
  const partLanesMax = Math.max(1, lanesMax - 1)
  const line = createLine<Request, Answer>(options)
  const parts: Part<Request, Answer>[] = []
  let lanes = 0
  let partLanes = 0
  let isScheduled = false

  /** At the end of this turn of the event loop: what arrives in one turn travels together. */
  function schedule(): void {
    if (isScheduled || lanes >= lanesMax) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      if (lanes < lanesMax && partLanes < partLanesMax && parts.length > 0) runLane(true)
      if (lanes < lanesMax && line.hasReady()) runLane(false)
    })
  }

  async function runLane(isForPart: boolean): Promise<void> {
    lanes++
    if (isForPart) partLanes++
    try {
      await options.withLane(async (lane) => {
        const part = isForPart ? parts.shift() : undefined
        const rows = part === undefined ? line.take() : wanted(part.rows)
        // What is left may have a lane of its own.
        schedule()
        if (rows.length > 0) await sendRows(lane, rows, part?.attempt ?? 0)
      })
    } catch (error) {
      for (const row of [...parts.splice(0).flatMap((part) => part.rows), ...line.takeAll()]) give(row, error)
    }
    lanes--
    if (isForPart) partLanes--
    if (line.length > 0 || parts.length > 0) schedule()
  }

  function wanted(rows: Rows): Rows {
    return rows.filter((row) => {
      const goesOn = isWanted(row)
      if (!goesOn) line.release(row)
      return goesOn
    })
  }

  async function sendRows(lane: Lane, rows: Rows, attempt: number): Promise<void> {
    const requests = rows.map(({ request }) => request)
    const startMs = performance.now()
    try {
      const answers = await options.send(lane, requests)
      for (const [index, row] of rows.entries()) settle(row, answers[index] as Answer | typeof AGAIN)
    } catch (error) {
      if (error instanceof BatchRefused) tryApart(rows, error, attempt)
      else for (const row of rows) give(row, error)
    }
    options.onBatch?.(rows.length, performance.now() - startMs)
  }

  function settle(row: Row<Request, Answer>, answer: Answer | typeof AGAIN): void {
    if (answer === AGAIN) return void parts.push({ rows: [row], attempt: 0 })
    line.release(row)
    for (const { resolve } of row.waiting) resolve(answer)
  }

  function give(row: Row<Request, Answer>, error: unknown): void {
    line.release(row)
    for (const { reject } of row.waiting) reject(error)
  }

  /** Halves find the row that is to blame in as few round trips as can be, and never let it fail its neighbours. */
  function tryApart(rows: Rows, refusal: BatchRefused, attempt: number): void {
    if (rows.length > 1) {
      const middle = rows.length >> 1
      parts.push({ rows: rows.slice(0, middle), attempt: 0 }, { rows: rows.slice(middle), attempt: 0 })
      return
    }
    if (refusal.passes) setTimeout(() => tryAgain({ rows, attempt: attempt + 1 }), backoffMs(attempt, RETRY))
    else for (const row of rows) give(row, refusal.verdict)
  }

  function tryAgain(part: Part<Request, Answer>): void {
    parts.push(part)
    schedule()
  }

  return {
    add(request, caller) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      line.add(request, { caller, resolve, reject })
      schedule()
      return promise
    },
    get waiting() {
      return line.length
    },
  }
}
