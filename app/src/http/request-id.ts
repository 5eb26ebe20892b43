import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const VALID = /^[A-Za-z0-9._~:@/+=-]{1,128}$/

/** Unlike in every process and start; a counter behind it is cheaper than a random id for each request. */
const prefix = randomBytes(6).toString('base64url')
let count = 0

/** The client's `X-Request-Id` when it is 1 to 128 harmless characters, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && VALID.test(given) ? given : newRequestId()
}

export function newRequestId(): string {
  count++
  return `${prefix}-${count.toString(36)}`
}
