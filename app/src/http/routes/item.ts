import { AppError } from '../../domain/errors.ts'
import { fulfils, type IfVersion, type Item as StoredItem, VALUE_BYTES_MAX } from '../../domain/item.ts'
import { mergePatch } from '../../domain/merge-patch.ts'
import type { Store } from '../../ports/store.ts'
import { readCached } from '../cached-read.ts'
import { etagOf, ifVersionOf, isNotModified } from '../conditions.ts'
import type { RouteContext } from '../context.ts'
import type { App, Request } from '../framework.ts'
import {
  answerItemRead,
  answerItemWritten,
  notFound,
  preconditionFailed,
  valueText,
} from '../item-replies.ts'
import { answers, IdParams, Item, None, Value } from '../schemas.ts'

/** A PATCH that lost this many races in a row is told so. */
const PATCH_ATTEMPTS_MAX = 8

const tags = ['data']

const CACHED =
  'Where there is a cache, the answer may be up to a second old: `Cache-Status` names the level that gave it, and `Age` ' +
  'the seconds since the store did. `Cache-Control: no-cache` reads the store. While the store is away, an answer that ' +
  'is still cached says `detail=stale`.'

/** `/data/:id`: one item, read, replaced, merged or deleted as a whole. */
export function itemRoutes(app: App, { store, reader }: RouteContext): void {
  const read = answers({ 200: Item, 304: None }, 404, 422, 503)
  app.get(
    '/data/:id',
    {
      schema: {
        tags,
        summary: 'Read an item',
        description: CACHED,
        params: IdParams,
        response: read,
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const item =
        reader === undefined
          ? await store.get(id, request.exchange)
          : await readCached(reader, id, request, reply)
      if (item === undefined) throw notFound()
      if (isNotModified(request.headers['if-none-match'], item.version)) {
        return reply.code(304).header('etag', etagOf(item.version)).send()
      }
      return answerItemRead(request, reply, item)
    },
  )

  const replaced = answers({ 200: Item, 201: Item }, 400, 412, 413, 415, 422, 503, 507)
  app.put(
    '/data/:id',
    {
      bodyLimit: VALUE_BYTES_MAX,
      schema: {
        tags,
        summary: 'Create or replace an item',
        params: IdParams,
        body: Value,
        response: replaced,
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const value = valueText(request)
      const ifVersion = await condition(store, id, request)
      const result = await store.put(id, value, ifVersion, request.exchange)
      if (!result.ok) throw preconditionFailed(result)
      return answerItemWritten(request, reply.code(result.created ? 201 : 200), result.item)
    },
  )

  const merged = answers({ 200: Item }, 400, 404, 409, 412, 413, 415, 422, 503, 507)
  app.patch(
    '/data/:id',
    {
      bodyLimit: VALUE_BYTES_MAX,
      schema: {
        tags,
        summary: 'Merge into an item (RFC 7396)',
        params: IdParams,
        body: Value,
        response: merged,
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const patch = valueText(request)
      const ifVersion = await condition(store, id, request)
      return answerItemWritten(request, reply, await patchItem(store, id, patch, ifVersion, request))
    },
  )

  const deleted = answers({ 204: None }, 404, 412, 422, 503)
  app.delete(
    '/data/:id',
    { schema: { tags, summary: 'Delete an item', params: IdParams, response: deleted } },
    async (request, reply) => {
      const { id } = request.params
      const ifVersion = await condition(store, id, request)
      const result = await store.delete(id, ifVersion, request.exchange)
      if (result.ok) return reply.code(204).send()
      throw ifVersion === undefined ? notFound() : preconditionFailed(result)
    },
  )
}

function condition(store: Store, id: string, { headers, exchange }: Request): Promise<IfVersion> {
  return ifVersionOf(headers, async () => (await store.get(id, exchange))?.version ?? 0)
}

/** Reads, merges, and writes on the condition that nobody wrote in between; begins again when somebody did. */
async function patchItem(
  store: Store,
  id: string,
  patch: string,
  ifVersion: IfVersion,
  { exchange }: Request,
): Promise<StoredItem> {
  for (let attempt = 1; attempt <= PATCH_ATTEMPTS_MAX; attempt++) {
    const current = await store.get(id, exchange)
    const currentVersion = current?.version ?? 0
    if (!fulfils(ifVersion, currentVersion)) throw preconditionFailed({ currentVersion })
    if (current === undefined) throw notFound()
    const value = mergePatch(current.value, patch)
    if (Buffer.byteLength(value) > VALUE_BYTES_MAX) {
      throw new AppError('too_large', `The merged value would be larger than ${VALUE_BYTES_MAX} bytes.`)
    }
    const result = await store.put(id, value, currentVersion, exchange)
    if (result.ok) return result.item
  }
  throw new AppError(
    'conflict',
    `The item changed during each of ${PATCH_ATTEMPTS_MAX} attempts; nothing was written.`,
  )
}
