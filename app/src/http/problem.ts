import type { AppError, ErrorCode } from '../domain/errors.ts'
import { STATUS_CODES } from './node-http.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** The one table from error codes to HTTP statuses (RFC 9110, section 15; 507 is RFC 4918, 431 is RFC 6585). */
export const statusByCode: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  invalid_json: 400,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  cursor_expired: 410,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  invalid_field: 422,
  idempotency_key_reused: 422,
  headers_too_large: 431,
  internal: 500,
  overloaded: 503,
  unavailable: 503,
  outcome_unknown: 503,
  store_full: 507,
}

/** The one table of what may be sent again as it is, and after how many seconds at the earliest. */
const retryAfterSecondsByCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  overloaded: 1,
  unavailable: 1,
  outcome_unknown: 1,
}

export function retryAfterHeader(code: ErrorCode): { 'retry-after'?: string } {
  const seconds = retryAfterSecondsByCode[code]
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}

/** The text of a problem document (RFC 9457). Its `type` is `about:blank`: `code` is what tells problems apart. */
export function problemText(error: AppError, requestId: string): string {
  const status = statusByCode[error.code]
  return JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    code: error.code,
    detail: error.message,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
    ...error.extensions,
    requestId,
  })
}

/** A whole HTTP/1.1 response for a connection on which nothing can be parsed any more; it ends the connection. */
export function rawProblem(error: AppError, requestId: string): string {
  const status = statusByCode[error.code]
  const body = problemText(error, requestId)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
