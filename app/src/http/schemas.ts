import type { FromSchema, JSONSchema } from 'json-schema-to-ts'
import { BATCH_OPERATIONS_MAX, ID_EXPECTED, ID_PATTERN, PAGE_ITEMS_MAX } from '../domain/item.ts'

/**
 * The one set of JSON Schemas: requests are validated by it, types come from it, and so does the OpenAPI document.
 * A `description` is also what a problem document says was expected.
 */

/** Below the 60 s after which an ALB gives up on a silent connection. */
const LONG_POLL_SECONDS_MAX = 55

type Properties = Readonly<Record<string, JSONSchema>>

/** An object with these properties, all required but for the `optional` ones, and no others. */
function object<const P extends Properties, const Optional extends keyof P & string = never>(
  properties: P,
  optional: readonly Optional[] = [],
) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name as Optional))
  return {
    type: 'object',
    properties,
    required: required as Exclude<keyof P & string, Optional>[],
    additionalProperties: false,
  } as const
}

const Id = { type: 'string', pattern: ID_PATTERN, description: ID_EXPECTED } as const
export const IdParams = object({ id: Id })

/** A JSON value of any shape; it travels as text, exactly as sent. */
export const Value = { description: 'any JSON value, at most 256 KiB of text and 200 levels' } as const

const Version = {
  type: 'integer',
  minimum: 1,
  description: 'a version: it only ever grows for an id',
} as const
const Time = { type: 'string', format: 'date-time' } as const
const Cursor = { type: 'string', description: 'an opaque cursor' } as const
const Limit = {
  type: 'integer',
  minimum: 1,
  maximum: PAGE_ITEMS_MAX,
  default: 100,
  description: `an integer from 1 to ${PAGE_ITEMS_MAX}`,
} as const
const Op = { type: 'string', enum: ['put', 'delete'] } as const
const text = { type: 'string' } as const

export const Item = {
  ...object({ id: Id, value: Value, version: Version, createdAt: Time, updatedAt: Time }),
  title: 'Item',
} as const

const Prefix = {
  type: 'string',
  pattern: '^[A-Za-z0-9._~:@-]{0,200}$',
  default: '',
  description: 'the beginning of an id: up to 200 characters of A-Z a-z 0-9 . _ ~ : @ -',
} as const

export const ListQuery = object({ prefix: Prefix, limit: Limit, cursor: Cursor }, ['cursor'])

export const ItemPage = {
  ...object({ items: { type: 'array', items: Item }, next: { ...Cursor, type: ['string', 'null'] } }),
  title: 'ItemPage',
} as const

const IfVersion = {
  type: 'integer',
  minimum: 0,
  description: 'a version that the id must have, or 0 for an absent id',
} as const

const PutOperation = object({ op: { const: 'put' }, id: Id, value: Value, ifVersion: IfVersion }, [
  'ifVersion',
])
const DeleteOperation = object({ op: { const: 'delete' }, id: Id, ifVersion: IfVersion }, ['ifVersion'])

export const Batch = {
  ...object({
    operations: {
      type: 'array',
      minItems: 1,
      maxItems: BATCH_OPERATIONS_MAX,
      description: `1 to ${BATCH_OPERATIONS_MAX} operations`,
      items: {
        type: 'object',
        required: ['op'],
        discriminator: { propertyName: 'op' },
        oneOf: [PutOperation, DeleteOperation],
      },
    },
  }),
  title: 'Batch',
} as const

/** An operation as it is sent. */
export type BatchOperation = FromSchema<typeof PutOperation> | FromSchema<typeof DeleteOperation>

export const BatchResults = {
  ...object({ results: { type: 'array', items: object({ id: Id, version: Version }) } }),
  title: 'BatchResults',
} as const

const Wait = {
  type: 'number',
  minimum: 0,
  maximum: LONG_POLL_SECONDS_MAX,
  default: 0,
  description: `seconds to wait for a change, from 0 to ${LONG_POLL_SECONDS_MAX}`,
} as const

export const ChangesQuery = object({ after: Cursor, limit: Limit, wait: Wait }, ['after'])

const Change = object({
  position: { type: 'integer', minimum: 1 },
  id: Id,
  version: Version,
  op: Op,
  at: Time,
})

export const Changes = {
  ...object({ changes: { type: 'array', items: Change }, next: Cursor }),
  title: 'Changes',
} as const

export const ImportBody = { description: 'NDJSON or CSV of any length' } as const

const Count = { type: 'integer', minimum: 0 } as const

export const Import = {
  ...object(
    {
      id: Id,
      state: { type: 'string', enum: ['receiving', 'queued', 'running', 'succeeded', 'failed', 'canceled'] },
      detail: { type: 'string', description: 'why it failed' },
      lines: object({ total: Count, applied: Count, rejected: Count, superseded: Count }),
      errors: {
        type: 'array',
        description: 'the first 1,000',
        items: object({ line: { type: 'integer', minimum: 1 }, code: text, detail: text }),
      },
      createdAt: Time,
      updatedAt: { ...Time, description: 'when something of it came, was applied or ended last' },
      finishedAt: { ...Time, type: ['string', 'null'] },
    },
    ['detail'],
  ),
  title: 'Import',
} as const

export const Index = {
  ...object({
    name: text,
    version: text,
    tier: { type: 'integer' },
    links: { type: 'object', additionalProperties: text },
  }),
  title: 'Index',
} as const

export const Status = object({ status: { type: 'string', enum: ['ok', 'degraded', 'starting', 'draining'] } })

export const Health = {
  ...object({
    ...Status.properties,
    tier: { type: 'integer' },
    capabilities: { type: 'array', items: text },
    version: text,
    uptimeSeconds: { type: 'number' },
    dependencies: {
      type: 'object',
      additionalProperties: object({ state: text, latencyMs: { type: ['number', 'null'] }, detail: text }, [
        'detail',
      ]),
    },
  }),
  title: 'Health',
} as const

const Fault = object({
  pointer: { ...text, description: 'a JSON Pointer into the body, or to a parameter or header by its name' },
  code: text,
  detail: text,
})

export const Problem = {
  ...object(
    {
      type: text,
      title: text,
      status: { type: 'integer' },
      code: { ...text, description: 'what went wrong, as a word that never changes its meaning' },
      detail: text,
      errors: { type: 'array', items: Fault },
      requestId: text,
    },
    ['errors'],
  ),
  // Some codes have members of their own, as `currentVersion` (RFC 9457, section 3.2).
  additionalProperties: true,
  title: 'Problem',
} as const

export const None = { type: 'null', description: 'no body' } as const

/** The answers of a route in its schema: its own, and a problem document for every error. */
export function answers(own: Readonly<Record<number, JSONSchema>>, ...errorStatuses: readonly number[]) {
  const problems = Object.fromEntries(
    errorStatuses.map((status) => [status, { ...Problem, description: 'Problem details (RFC 9457)' }]),
  )
  return { ...own, ...problems }
}
