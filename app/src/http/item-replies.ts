import { AppError } from '../domain/errors.ts'
import { type Item, itemText } from '../domain/item.ts'
import { checkValueText } from '../domain/json-text.ts'
import type { Refused } from '../ports/store.ts'
import { etagOf } from './conditions.ts'
import type { Reply, Request } from './framework.ts'

export const JSON_TYPE = 'application/json; charset=utf-8'

/** Answers above this size count against the memory budget until the client has taken them, and have to be taken. */
const SMALL_BYTES = 16 * 1024

/** Sends JSON text that was read. Throws `overloaded` when a large one finds no memory left. */
export function sendRead(request: Request, reply: Reply, text: string): Reply {
  if (text.length > SMALL_BYTES) {
    request.exchange.hold(text.length)
    request.exchange.watchForStall()
  }
  return reply.header('content-type', JSON_TYPE).send(text)
}

/** Sends the JSON text that a write is answered with: it has been committed, so nothing may refuse its answer. */
export function sendWritten(request: Request, reply: Reply, text: string): Reply {
  if (text.length > SMALL_BYTES) {
    request.exchange.holdAnyway(text.length)
    request.exchange.watchForStall()
  }
  return reply.header('content-type', JSON_TYPE).send(text)
}

export function sendItemRead(request: Request, reply: Reply, item: Item): Reply {
  return sendRead(request, reply.header('etag', etagOf(item.version)), itemText(item))
}

export function sendItemWritten(request: Request, reply: Reply, item: Item): Reply {
  return sendWritten(request, reply.header('etag', etagOf(item.version)), itemText(item))
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
