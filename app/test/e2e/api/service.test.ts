import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { assertProblem, newId, useApi } from '../../support/api.ts'

const api = useApi({ SEED_DATA: 'true' })

test('the index tells what is here, and its links work', async () => {
  const { status, json } = await api.get('/')
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(json), ['name', 'version', 'tier', 'links'])
  for (const path of Object.values<string>(json.links)) assert.equal((await api.get(path)).status, 200, path)
})

test('an empty store is given the items 1 to 10', async () => {
  for (let id = 1; id <= 10; id++) assert.equal((await api.get(`/data/${id}`)).json.id, String(id))
})

test('health is the whole picture', async () => {
  const { status, json } = await api.get('/health')
  assert.equal(status, 200)
  assert.equal(json.status, 'ok')
  assert.ok([1, 2, 4].includes(json.tier))
  assert.ok(Array.isArray(json.capabilities))
  assert.equal(json.dependencies.store.state, 'ok')
  assert.equal(typeof json.dependencies.store.latencyMs, 'number')
  assert.match(json.version, /^\d+\.\d+\.\d+/)
  assert.ok(json.uptimeSeconds > 0)
})

test('live and ready are 200 while all is well', async () => {
  assert.deepEqual((await api.get('/health/live')).json, { status: 'ok' })
  assert.deepEqual((await api.get('/health/ready')).json, { status: 'ok' })
})

test('every answer has a request id: a valid one that came is kept, any other replaced', async () => {
  for (const path of [
    '/',
    '/health',
    '/data/1',
    `/data/${newId()}`,
    '/nowhere',
    '/docs',
    '/openapi.json',
    '/data/%zz',
  ]) {
    const kept = await api.get(path, { 'x-request-id': 'abc-123.DEF' })
    assert.equal(kept.headers.get('x-request-id'), 'abc-123.DEF', path)
    assert.ok((await api.get(path)).headers.get('x-request-id'), path)
  }
  for (const id of ['a b', 'x'.repeat(129), '<script>', '{"a":1}', '']) {
    const replaced = (await api.get('/', { 'x-request-id': id })).headers.get('x-request-id')
    assert.match(replaced ?? '', /^[\w-]{1,128}$/)
    assert.notEqual(replaced, id)
  }
})

test('an unknown path is 404, and an unknown method 405 with Allow', async () => {
  assertProblem(await api.get('/nowhere'), 404, 'not_found')
  for (const path of ['/', '/health', '/changes', '/metrics', '/batch']) {
    const answer = await api.send('DELETE', path)
    assertProblem(answer, 405, 'method_not_allowed')
    assert.match(answer.headers.get('allow') ?? '', path === '/batch' ? /\bPOST\b/ : /\bGET\b/)
  }
})

test('an expectation that cannot be met is 417, which no retry will change', async () => {
  const { hostname, port } = new URL(api.url)
  const sent = request({ hostname, port, path: '/', headers: { expect: 'miracles' }, agent: false }).end()
  const [answer] = await once(sent, 'response')
  assert.equal(answer.statusCode, 417)
  assert.equal(answer.headers['retry-after'], undefined)
  answer.resume()
})

test('metrics count requests by method, route pattern and status, never by path', async () => {
  const id = newId()
  await api.get(`/data/${id}`)
  const { text, headers } = await api.get('/metrics')
  assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(
    text,
    /^http_request_duration_seconds_count\{method="GET",route="\/data\/:id",status="404"\} [1-9]/m,
  )
  assert.match(text, /^http_request_duration_seconds_bucket\{.*le="\+Inf"\} [1-9]/m)
  for (const name of [
    'http_requests_in_flight',
    'http_line_requests',
    'http_line_age_seconds',
    'nodejs_eventloop_lag_seconds',
    'multi_aws_build_info{',
    'process_resident_memory_bytes',
  ]) {
    assert.ok(text.includes(`\n${name}`), name)
  }
  assert.ok(!text.includes(id))
})

test('the documentation is a page, and describes every route', async () => {
  const page = await api.get('/docs')
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  assert.equal((await api.get('/docs/static/swagger-ui-bundle.js')).status, 200)
  const { json } = await api.get('/openapi.json')
  assert.equal(json.openapi, '3.1.0')
  const paths = [
    '/',
    '/batch',
    '/changes',
    '/data',
    '/data/{id}',
    '/health',
    '/health/live',
    '/health/ready',
    '/imports',
    '/imports/{id}',
    '/metrics',
  ]
  assert.deepEqual(Object.keys(json.paths).toSorted(), paths)
})
