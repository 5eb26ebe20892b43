import { AppError } from '../domain/errors.ts'
import { type Item, itemText } from '../domain/item.ts'
import { checkValueText } from '../domain/json-text.ts'
import type { Refused } from '../ports/store.ts'
import { etagOf } from './conditions.ts'
import type { Reply, Request } from './framework.ts'

export const JSON_TYPE = 'application/json; charset=utf-8'

/** Answers above this size count against the memory budget until the client has taken them, and have to be taken. */
const SMALL_BYTES = 16 * 1024

/*
 * These set an answer's headers and return its text, which a handler returns in turn for the framework to send. Were it
 * sent here, the handler would have to return the reply, a thenable, which costs a GET 0.2 µs in turns of the microtask
 * queue.
 */

/** Answers with JSON text that was read. Throws `overloaded` when a large one finds no memory left. */
export function answerRead(request: Request, reply: Reply, text: string): string {
  if (text.length > SMALL_BYTES) {
    request.exchange.hold(text.length)
    request.exchange.watchForStall()
  }
  reply.header('content-type', JSON_TYPE)
  return text
}

/** Answers a write with JSON text: it has been committed, so nothing may refuse its answer. */
export function answerWritten(request: Request, reply: Reply, text: string): string {
  if (text.length > SMALL_BYTES) {
    request.exchange.holdAnyway(text.length)
    request.exchange.watchForStall()
  }
  reply.header('content-type', JSON_TYPE)
  return text
}

export function answerItemRead(request: Request, reply: Reply, item: Item): string {
  return answerRead(request, reply.header('etag', etagOf(item.version)), itemText(item))
}

export function answerItemWritten(request: Request, reply: Reply, item: Item): string {
  return answerWritten(request, reply.header('etag', etagOf(item.version)), itemText(item))
}

/** The body as a value's text. Throws `invalid_json`, or `invalid_field` when it nests too deep. */
export function valueText(request: Request): string {
  const text = bodyText(request)
  checkValueText(text)
  return text
}

export function bodyText(request: Request): string {
  if (typeof request.body === 'string') return request.body
  throw new AppError('invalid_json', 'Expected a JSON value as the body.')
}

export function notFound(): AppError {
  return new AppError('not_found', 'There is no item with this id.')
}

export function preconditionFailed({ currentVersion }: Pick<Refused, 'currentVersion'>): AppError {
  const detail =
    currentVersion === 0 ? 'The item does not exist.' : `The item's current version is ${currentVersion}.`
  return new AppError('precondition_failed', detail, { extensions: { currentVersion } })
}
