import { createHash, randomUUIDv7 } from 'node:crypto'
import { AppError, invalidField } from '../../domain/errors.ts'
import { itemText, VALUE_BYTES_MAX } from '../../domain/item.ts'
import type { CreateResult } from '../../ports/store.ts'
import type { RouteContext } from '../context.ts'
import { idOfCursor, listCursor } from '../cursors.ts'
import type { App, Request } from '../framework.ts'
import { answerItemWritten, answerRead, valueText } from '../item-replies.ts'
import { answers, Item, ItemPage, ListQuery, Value } from '../schemas.ts'

const tags = ['data']

/** `/data`: the items in order of their ids, and creation under an id that the server chooses. */
export function collectionRoutes(app: App, { store }: RouteContext): void {
  app.get(
    '/data',
    {
      schema: {
        tags,
        summary: 'List items',
        querystring: ListQuery,
        response: answers({ 200: ItemPage }, 422, 503),
      },
    },
    async (request, reply) => {
      const { prefix, limit, cursor } = request.query
      const after = cursor === undefined ? undefined : idOfCursor(cursor)
      const { items, more } = await store.list({ prefix, after, limit }, request.exchange)
      const last = items.at(-1)
      const next = more && last !== undefined ? listCursor(last.id) : null
      if (next !== null) {
        const query = new URLSearchParams({ prefix, limit: String(limit), cursor: next })
        reply.header('link', `</data?${query}>; rel="next"`)
      }
      const text = `{"items":[${items.map(itemText).join(',')}],"next":${JSON.stringify(next)}}`
      return answerRead(request, reply, text)
    },
  )

  const created = answers({ 201: Item }, 400, 413, 415, 422, 503, 507)
  app.post(
    '/data',
    {
      bodyLimit: VALUE_BYTES_MAX,
      schema: { tags, summary: 'Create an item under a new id', body: Value, response: created },
    },
    async (request, reply) => {
      const value = valueText(request)
      const key = idempotencyKey(request)
      const id = key === undefined ? randomUUIDv7() : idOfKey(key)
      const fingerprint = key === undefined ? undefined : sha256(value).toString('base64url')
      const result = await store.create(id, value, fingerprint, request.exchange)
      if (!result.ok) checkSameRequest(result, fingerprint)
      const createdAtMs = result.ok ? result.item.createdAtMs : result.createdAtMs
      const item = { id, value, version: 1, createdAtMs, updatedAtMs: createdAtMs }
      return answerItemWritten(request, reply.code(201).header('location', `/data/${id}`), item)
    },
  )
}

/** The `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header). Throws `invalid_field`. */
function idempotencyKey(request: Request): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw invalidField('/Idempotency-Key', 'Expected 1 to 255 visible ASCII characters.')
}

/** A UUIDv8 (RFC 9562) that any process derives from the key, so that a retry finds what the first try created. */
function idOfKey(key: string): string {
  const hash = sha256(`idempotency-key:${key}`).subarray(0, 16)
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The same key with the same body gets the first answer again, whatever has become of the item since. */
function checkSameRequest(existing: CreateResult & { ok: false }, fingerprint: string | undefined): void {
  if (fingerprint !== undefined && existing.fingerprint === fingerprint) return
  throw new AppError('idempotency_key_reused', 'This Idempotency-Key was used for another body.', {
    errors: [
      {
        pointer: '/Idempotency-Key',
        code: 'idempotency_key_reused',
        detail: 'Expected a new key for a new body.',
      },
    ],
  })
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
