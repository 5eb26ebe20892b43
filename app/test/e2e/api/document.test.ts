/** `/openapi.json` tells of each answer what it is: its status, its media type, its headers. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type ApiRequest, useApi } from '../../support/api.ts'

const api = useApi()

/** Of the protocol and of Node.js, not of the API. */
const COMMON = ['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding']
const json = (value: unknown, headers = {}): ApiRequest => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json', ...headers },
})
const typed = (type: string, body: string): ApiRequest => ({ body, headers: { 'content-type': type } })

const id = randomUUID()
/** In their order: some make what later ones need. */
const requests: readonly [
  status: number,
  method: string,
  path: string,
  template: string,
  request?: ApiRequest,
][] = [
  [201, 'PUT', `/data/${id}`, '/data/{id}', json({ a: 1 })],
  [200, 'PUT', `/data/${id}`, '/data/{id}', json({ a: 2 })],
  [412, 'PUT', `/data/${id}`, '/data/{id}', json(1, { 'if-match': '"9"' })],
  [415, 'PUT', `/data/${id}`, '/data/{id}', typed('text/plain', '1')],
  [400, 'PUT', `/data/${id}`, '/data/{id}', typed('application/json', '{')],
  [200, 'GET', `/data/${id}`, '/data/{id}'],
  [200, 'GET', `/data/${id}`, '/data/{id}', { headers: { 'cache-control': 'no-cache' } }],
  [304, 'GET', `/data/${id}`, '/data/{id}', { headers: { 'if-none-match': '"2"' } }],
  [404, 'GET', `/data/${randomUUID()}`, '/data/{id}'],
  [422, 'GET', '/data/%20', '/data/{id}'],
  [200, 'PATCH', `/data/${id}`, '/data/{id}', typed('application/merge-patch+json', '{"b":1}')],
  [415, 'PATCH', `/data/${id}`, '/data/{id}', typed('text/plain', '1')],
  [204, 'DELETE', `/data/${id}`, '/data/{id}'],
  [404, 'DELETE', `/data/${id}`, '/data/{id}'],
  [200, 'GET', '/data?limit=1', '/data'],
  [422, 'GET', '/data?limit=x', '/data'],
  [201, 'POST', '/data', '/data', json(1, { 'idempotency-key': randomUUID() })],
  [200, 'POST', '/batch', '/batch', json({ operations: [{ op: 'put', id: `${id}-2`, value: 1 }] })],
  [422, 'POST', '/batch', '/batch', json({ operations: 1 })],
  [200, 'GET', '/changes?limit=1', '/changes'],
  [422, 'GET', '/changes?after=nonsense', '/changes'],
  [202, 'POST', '/imports', '/imports', typed('application/x-ndjson', `{"id":"${id}-3","value":1}\n`)],
  [202, 'POST', '/imports', '/imports', typed('application/ndjson', `{"id":"${id}-4","value":1}\n`)],
  [202, 'POST', '/imports', '/imports', typed('text/csv', `id,name\n${id}-5,a\n`)],
  [415, 'POST', '/imports', '/imports', json({})],
  [415, 'POST', '/imports', '/imports', typed('application/x-www-form-urlencoded', 'id=1')],
  [404, 'GET', `/imports/${randomUUID()}`, '/imports/{id}'],
  [200, 'GET', '/', '/'],
  [200, 'GET', '/health', '/health'],
  [200, 'GET', '/health/live', '/health/live'],
]

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: object; readonly headers?: Readonly<Record<string, unknown>> }>
  >
}

test('each answer is one that the document tells of', async () => {
  const { json: document } = await api.get('/openapi.json')
  for (const [status, method, path, template, request] of requests) {
    const answer = await api.send(method, path, request)
    const what = `${method} ${path}: ${status}`
    assert.equal(answer.status, status, `${what}: ${answer.text}`)
    const { requestBody, responses }: Operation = document.paths[template][method.toLowerCase()]
    const told = responses[status]
    assert.ok(told, `${what} is not told of`)
    const [type] = answer.headers.get('content-type')?.split(';') ?? []
    if (type !== undefined) assert.ok(Object.keys(told.content ?? {}).includes(type), `${what}: ${type}`)
    const names = Object.keys(told.headers ?? {}).map((name) => name.toLowerCase())
    const untold = [...answer.headers.keys()].filter(
      (name) => !names.includes(name) && !COMMON.includes(name),
    )
    assert.deepEqual(untold, [], what)
    if (status !== 415) continue
    for (const accepted of Object.keys(requestBody?.content ?? {})) {
      if (accepted !== 'application/ndjson')
        assert.match(answer.text, new RegExp(accepted.replace('+', '\\+')), what)
    }
  }
})

test('a violation of the schema is told in a sentence', async () => {
  const { json: problem } = await api.send('POST', '/batch', json([]))
  assert.equal(problem.detail, 'The value must be object.')
})

test('a stream of changes is what the document tells of', async () => {
  const { json: document } = await api.get('/openapi.json')
  const gone = new AbortController()
  const headers = { accept: 'text/event-stream' }
  const { status, headers: got } = await fetch(`${api.url}/changes`, { headers, signal: gone.signal })
  gone.abort()
  const type = got.get('content-type') ?? ''
  assert.equal(status, 200)
  assert.ok(Object.keys(document.paths['/changes'].get.responses['200'].content).includes(type), type)
})
