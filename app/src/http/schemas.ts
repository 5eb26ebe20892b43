import { type Static, type TSchema, Type } from 'typebox'
import { BATCH_OPERATIONS_MAX, ID_EXPECTED, ID_PATTERN, PAGE_ITEMS_MAX } from '../domain/item.ts'

/** The one set of schemas: requests are validated by it, types come from it, and so does the OpenAPI document. */

/** Below the 60 s after which an ALB gives up on a silent connection. */
export const LONG_POLL_SECONDS_MAX = 55

export const Id = Type.String({ pattern: ID_PATTERN, description: ID_EXPECTED })
export const IdParams = Type.Object({ id: Id })

/** A JSON value of any shape; it travels as text, exactly as sent. */
export const Value = Type.Unknown({ description: 'any JSON value, at most 256 KiB of text and 200 levels' })

const Version = Type.Integer({ minimum: 1, description: 'a version: it only ever grows for an id' })
const Time = Type.String({ format: 'date-time' })
const Cursor = Type.String({ description: 'an opaque cursor' })

export const Item = Type.Object(
  { id: Id, value: Value, version: Version, createdAt: Time, updatedAt: Time },
  { title: 'Item' },
)

const Limit = Type.Integer({
  minimum: 1,
  maximum: PAGE_ITEMS_MAX,
  default: 100,
  description: `an integer from 1 to ${PAGE_ITEMS_MAX}`,
})

export const ListQuery = Type.Object(
  {
    prefix: Type.String({
      pattern: '^[A-Za-z0-9._~:@-]{0,200}$',
      default: '',
      description: 'the beginning of an id: up to 200 characters of A-Z a-z 0-9 . _ ~ : @ -',
    }),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
)

export const ItemPage = Type.Object(
  { items: Type.Array(Item), next: Type.Union([Cursor, Type.Null()]) },
  { title: 'ItemPage' },
)

const IfVersion = Type.Optional(
  Type.Integer({ minimum: 0, description: 'a version that the id must have, or 0 for an absent id' }),
)

const PutOperation = Type.Object(
  { op: Type.Literal('put'), id: Id, value: Value, ifVersion: IfVersion },
  { additionalProperties: false },
)
const DeleteOperation = Type.Object(
  { op: Type.Literal('delete'), id: Id, ifVersion: IfVersion },
  { additionalProperties: false },
)

export const Batch = Type.Object(
  {
    operations: Type.Array(
      Type.Unsafe<Static<typeof PutOperation> | Static<typeof DeleteOperation>>({
        type: 'object',
        required: ['op'],
        discriminator: { propertyName: 'op' },
        oneOf: [PutOperation, DeleteOperation],
      }),
      { minItems: 1, maxItems: BATCH_OPERATIONS_MAX, description: `1 to ${BATCH_OPERATIONS_MAX} operations` },
    ),
  },
  { additionalProperties: false, title: 'Batch' },
)
export type BatchOperation = Static<typeof Batch>['operations'][number]

export const BatchResults = Type.Object(
  { results: Type.Array(Type.Object({ id: Id, version: Version })) },
  { title: 'BatchResults' },
)

export const ChangesQuery = Type.Object(
  {
    after: Type.Optional(Cursor),
    limit: Limit,
    wait: Type.Number({
      minimum: 0,
      maximum: LONG_POLL_SECONDS_MAX,
      default: 0,
      description: `seconds to wait for a change, from 0 to ${LONG_POLL_SECONDS_MAX}`,
    }),
  },
  { additionalProperties: false },
)

export const Changes = Type.Object(
  {
    changes: Type.Array(
      Type.Object({
        position: Type.Integer({ minimum: 1 }),
        id: Id,
        version: Version,
        op: Type.Union([Type.Literal('put'), Type.Literal('delete')]),
        at: Time,
      }),
    ),
    next: Cursor,
  },
  { title: 'Changes' },
)

export const Index = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    tier: Type.Integer(),
    links: Type.Record(Type.String(), Type.String()),
  },
  { title: 'Index' },
)

export const Health = Type.Object(
  {
    status: Type.Union(['ok', 'degraded', 'starting', 'draining'].map((status) => Type.Literal(status))),
    tier: Type.Integer(),
    capabilities: Type.Array(Type.String()),
    version: Type.String(),
    uptimeSeconds: Type.Number(),
    dependencies: Type.Record(
      Type.String(),
      Type.Object({ state: Type.String(), latencyMs: Type.Union([Type.Number(), Type.Null()]) }),
    ),
  },
  { title: 'Health' },
)

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'what went wrong, as a word that never changes its meaning' }),
    detail: Type.String(),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({
            description: 'a JSON Pointer into the body, or to a parameter or header by its name',
          }),
          code: Type.String(),
          detail: Type.String(),
        }),
      ),
    ),
    requestId: Type.String(),
  },
  { title: 'Problem' },
)

/** The answers of a route in its schema: its own, and a problem document for every error. */
export function answers(own: Readonly<Record<number, TSchema>>, ...errorStatuses: readonly number[]) {
  const problems = Object.fromEntries(
    errorStatuses.map((status) => [status, { ...Problem, description: 'Problem details (RFC 9457)' }]),
  )
  return { ...own, ...problems }
}
