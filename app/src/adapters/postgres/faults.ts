import { DatabaseError } from 'pg'
import { AppError } from '../../domain/errors.ts'
import { BatchRefused } from '../batcher.ts'

/** The server's answer to a statement: nothing of it took effect. */
export class StatementRefused extends Error {
  /** The SQLSTATE (PostgreSQL documentation, appendix A). */
  readonly code: string

  constructor(cause: DatabaseError) {
    super(`PostgreSQL: ${cause.message}`, { cause })
    this.code = cause.code ?? 'XX000'
  }
}

/** There is no answer: the connection broke, or took too long. Whether the statement took effect is not known. */
export class SessionLost extends Error {}

/**
 * What a failed query means. An error of severity FATAL ends the session and may come after a commit (one that waited
 * for a standby), so that it says as little about the outcome as a broken connection does.
 */
export function queryFault(error: unknown): StatementRefused | SessionLost {
  if (error instanceof DatabaseError && error.severity === 'ERROR') return new StatementRefused(error)
  return new SessionLost((error as Error).message, { cause: error })
}

const READ_ONLY_TRANSACTION = '25006'

/** After these the session is of no more use, although it lives: the server is a standby now. */
export function endsSession(fault: StatementRefused): boolean {
  return fault.code === READ_ONLY_TRANSACTION
}

/** lock_not_available, query_canceled (by statement_timeout), deadlock_detected, serialization_failure */
const CONTENDED = ['55P03', '57014', '40P01', '40001']
/** data exceptions, violated constraints, limits of a row, what a trigger raises: one row's own fault */
const OF_ONE_ROW = ['22', '23', '54', 'P0']

/** As the batcher takes it. Everything that no row is to blame for is the store's own state. */
function batchFault(fault: unknown, onLost: AppError): unknown {
  if (fault instanceof SessionLost) return onLost
  if (!(fault instanceof StatementRefused)) return fault
  if (CONTENDED.includes(fault.code)) return new BatchRefused(unavailable(fault), { passes: true })
  if (OF_ONE_ROW.includes(fault.code.slice(0, 2))) {
    const verdict = new AppError('internal', 'The store could not take this item.', { cause: fault })
    return new BatchRefused(verdict, { passes: false })
  }
  return unavailable(fault)
}

/** Of a statement that only reads. */
export function readFault(fault: unknown): unknown {
  return batchFault(fault, unavailable(fault))
}

/** Of one that writes: what has no answer may have been done. */
export function writeFault(fault: unknown): unknown {
  return batchFault(fault, outcomeUnknown(fault))
}

/** What a piece of work failed of: rows that cannot be written, as they are told by the server, or else the store's state. */
export function workFault(fault: unknown): Error {
  const isOfRow = fault instanceof StatementRefused && OF_ONE_ROW.includes(fault.code.slice(0, 2))
  return isOfRow ? fault : unavailable(fault)
}

export function unavailable(cause?: unknown): AppError {
  return new AppError('unavailable', 'The store cannot be reached at this moment; nothing was done.', {
    cause,
  })
}

function outcomeUnknown(cause?: unknown): AppError {
  return new AppError(
    'outcome_unknown',
    'The store was lost while it was writing: the write may have been done.',
    {
      cause,
    },
  )
}
