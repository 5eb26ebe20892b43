import { type AGAIN, type Batcher, createBatcher } from '../batcher.ts'
import type { LineOptions } from '../line.ts'
import type { Pool } from './pool.ts'
import type { Session } from './session.ts'

/** How one kind of request gets to the database. */
export interface LaneOptions {
  readonly pool: Pool
  /** Sessions that this kind may use at one time. */
  readonly lanesMax: number
  /** Sees every batch that was sent: its rows, and how long the round trip took. */
  readonly onBatch: (rows: number, ms: number) => void
}

export interface SinglesOptions<Request, Answer>
  extends LaneOptions,
    Pick<LineOptions<Request>, 'keyOf' | 'sameKey'> {
  readonly send: (session: Session, request: Request) => Promise<Answer | typeof AGAIN>
  /** What a fault of `send` means to the batcher. */
  readonly faultOf: (fault: unknown, request: Request) => unknown
}

/** Requests that travel alone: they wait in line and have a deadline, as those that travel together. */
export function createSingles<Request, Answer>(
  options: SinglesOptions<Request, Answer>,
): Batcher<Request, Answer> {
  const { pool, send, faultOf, ...rest } = options
  return createBatcher<Request, Answer, Session>({
    ...rest,
    rowsMax: 1,
    withLane: pool.use,
    async send(session, requests) {
      const [request] = requests as readonly [Request]
      try {
        return [await send(session, request)]
      } catch (fault) {
        throw faultOf(fault, request)
      }
    },
  })
}
