/** Every way in which the service says no. The codes are part of the API and never change their meaning. */
export type ErrorCode =
  | 'bad_request'
  | 'invalid_json'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'conflict'
  | 'cursor_expired'
  | 'precondition_failed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'expectation_failed'
  | 'invalid_field'
  | 'idempotency_key_reused'
  | 'headers_too_large'
  | 'internal'
  | 'overloaded'
  | 'unavailable'
  | 'outcome_unknown'
  | 'store_full'

/** One fault in the input: a JSON Pointer (RFC 6901) to the field, and what was expected there. */
export interface FieldError {
  readonly pointer: string
  readonly code: ErrorCode
  readonly detail: string
}

export interface ErrorOptions {
  readonly errors?: readonly FieldError[]
  /** Further members of the problem document (RFC 9457, section 3.2). */
  readonly extensions?: Readonly<Record<string, string | number>>
  readonly cause?: unknown
}

/** The one error type that crosses ports. `message` is shown to clients: it never holds a value or anything internal. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly errors: readonly FieldError[] | undefined
  readonly extensions: Readonly<Record<string, string | number>> | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.errors = options.errors
    this.extensions = options.extensions
  }
}

/** An `invalid_field` error about a single field. */
export function invalidField(pointer: string, detail: string): AppError {
  return new AppError('invalid_field', detail, { errors: [{ pointer, code: 'invalid_field', detail }] })
}

/** Why a process cannot do its work and waiting will not help, in words that tell its operator what to do. */
export class OperatorFault extends Error {}
