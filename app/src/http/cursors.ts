import { invalidField } from '../domain/errors.ts'
import { isId } from '../domain/item.ts'

/** Opaque cursors: clients hand back what they were given, so that what is in them may change. */

export function listCursor(lastId: string): string {
  return Buffer.from(`id:${lastId}`).toString('base64url')
}

/** The id that a list cursor continues after. Throws `invalid_field`. */
export function idOfCursor(cursor: string): string {
  const text = decoded(cursor)
  const id = text.slice('id:'.length)
  if (!text.startsWith('id:') || !isId(id)) throw notACursor('/cursor')
  return id
}

export interface FeedCursor {
  readonly feedId: string
  readonly position: number
}

export function feedCursor({ feedId, position }: FeedCursor): string {
  return Buffer.from(`feed:${feedId}:${position}`).toString('base64url')
}

/** What a feed cursor stands for. Throws `invalid_field` at `pointer`. */
export function parseFeedCursor(cursor: string, pointer: string): FeedCursor {
  const [, feedId, position] = /^feed:([0-9a-f-]{1,36}):(\d{1,15})$/.exec(decoded(cursor)) ?? []
  if (feedId === undefined || position === undefined) throw notACursor(pointer)
  return { feedId, position: Number(position) }
}

function decoded(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString('latin1')
}

function notACursor(pointer: string) {
  return invalidField(pointer, 'Expected a cursor that an earlier answer gave.')
}
