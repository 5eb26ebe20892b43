import { CSV_TYPE, NDJSON_TYPES } from './media-types.ts'
import { PROBLEM_TYPE } from './problem.ts'

/*
 * What a route's schemas cannot say, because the framework would check it for every request: headers, and media types
 * other than JSON. For the document alone.
 */

interface Header {
  readonly description: string
  readonly schema: { readonly type: 'string' | 'integer' }
}

const text = (description: string): Header => ({ description, schema: { type: 'string' } })

const REQUEST_ID = text('1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ / + = -; a new one where there is none')
const CONDITION = {
  'If-Match': text(
    'entity tags as `"3"`, or `*`: only while the item has one of these versions, or any; else 412',
  ),
  'If-None-Match': text('`*`: only while there is no such item; else 412'),
}
const CACHED = {
  'Cache-Status': text('where there is a cache: the level that answered, or why none did (RFC 9211)'),
  Age: { description: 'where a cache answered: seconds since the store did', schema: { type: 'integer' } },
} as const
const ETAG = { ETag: text('the version, in quotes') }

/** By method and path, beside `X-Request-Id`. */
const REQUEST_HEADERS: Readonly<Record<string, Readonly<Record<string, Header>>>> = {
  'get /data/{id}': {
    'If-None-Match': text('entity tags as `"3"`: 304 while the item has one of these versions'),
    'Cache-Control': text('`no-cache` reads the store'),
  },
  'put /data/{id}': CONDITION,
  'patch /data/{id}': CONDITION,
  'delete /data/{id}': CONDITION,
  'post /data': {
    'Idempotency-Key': text('1 to 255 visible characters: a repetition gets the first answer'),
  },
  'get /changes': {
    Accept: text('with `text/event-stream` the changes come as server-sent events, as they happen'),
    'Last-Event-ID': text('the cursor to go on behind, as an EventSource sends it'),
  },
}

/** By method, path and status, beside `X-Request-Id` and the `Retry-After` of 503. */
const RESPONSE_HEADERS: Readonly<Record<string, Readonly<Record<string, Header>>>> = {
  'get /data/{id} 200': { ...ETAG, ...CACHED },
  'get /data/{id} 304': { ...ETAG, ...CACHED },
  'get /data/{id} 404': CACHED,
  'put /data/{id} 200': ETAG,
  'put /data/{id} 201': ETAG,
  'patch /data/{id} 200': ETAG,
  'get /data 200': { Link: text('the next page, if there is one (RFC 8288)') },
  'post /data 201': { ...ETAG, Location: text('the path of the new item') },
  'post /imports 202': { Location: text('the path of the import') },
}

const LINES = { schema: { type: 'string', description: 'one item a line' } } as const

const BODY_TYPES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'post /imports': Object.fromEntries([...NDJSON_TYPES, CSV_TYPE].map((type) => [type, LINES])),
}

interface Answer {
  headers?: Record<string, Header>
  content?: Record<string, { readonly schema?: { readonly title?: string } }>
}

interface Operation {
  parameters?: object[]
  requestBody?: { content: Record<string, unknown> }
  responses: Record<string, Answer>
}

/** Adds it to a document's operations. */
export function tellHeadersAndMedia(paths: Readonly<Record<string, object | undefined>>): void {
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations ?? {})) tell(`${method} ${path}`, operation)
  }
}

function tell(name: string, operation: Operation): void {
  const headers = { 'X-Request-Id': REQUEST_ID, ...REQUEST_HEADERS[name] }
  operation.parameters = [
    ...(operation.parameters ?? []),
    ...Object.entries(headers).map(([name, header]) => ({ in: 'header', name, required: false, ...header })),
  ]
  const { requestBody } = operation
  if (requestBody !== undefined) {
    const { 'application/json': json } = requestBody.content
    if (name.startsWith('patch ')) requestBody.content['application/merge-patch+json'] = json
    requestBody.content = { ...(BODY_TYPES[name] ?? requestBody.content) }
  }
  for (const [status, answer] of Object.entries(operation.responses)) tellAnswer(name, status, answer)
}

function tellAnswer(name: string, status: string, answer: Answer): void {
  const { 'application/json': json } = answer.content ?? {}
  const isProblem = json?.schema?.title === 'Problem'
  if (isProblem) answer.content = { [PROBLEM_TYPE]: json }
  if (name === 'get /changes' && status === '200') {
    answer.content = { ...answer.content, 'text/event-stream': { schema: { type: 'string' } as object } }
  }
  answer.headers = {
    'X-Request-Id': text('the name of the request in logs'),
    ...(isProblem && status === '503' && { 'Retry-After': text('seconds') }),
    ...RESPONSE_HEADERS[`${name} ${status}`],
  }
}
