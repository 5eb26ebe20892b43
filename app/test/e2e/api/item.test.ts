import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFields, assertProblem, newId, useApi } from '../../support/api.ts'

const api = useApi()
const VALUE_BYTES_MAX = 256 * 1024

async function created(value = '{"a":1}'): Promise<string> {
  const path = `/data/${newId()}`
  assert.equal((await api.put(path, value)).status, 201)
  return path
}

test('PUT creates with 201 and replaces with 200, and answers the item with its version as ETag', async () => {
  const id = newId()
  const first = await api.put(`/data/${id}`, '{"a":1}')
  assert.equal(first.status, 201)
  assert.equal(first.headers.get('etag'), '"1"')
  assert.deepEqual(Object.keys(first.json), ['id', 'value', 'version', 'createdAt', 'updatedAt'])
  assert.deepEqual([first.json.id, first.json.value, first.json.version], [id, { a: 1 }, 1])
  assert.equal(new Date(first.json.createdAt).toISOString(), first.json.createdAt)

  const second = await api.put(`/data/${id}`, '[2]')
  assert.equal(second.status, 200)
  assert.equal(second.headers.get('etag'), '"2"')
  assert.equal(second.json.createdAt, first.json.createdAt)
  const read = await api.get(`/data/${id}`)
  assert.equal(read.status, 200)
  assert.equal(read.text, second.text)
})

for (const value of [
  '{"b": 1.0,\n "a":1e400, "10":-0, "2":12345678901234567890}',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1},"constructor":null}',
  '"\\ud800 \u{1f600} \\u0000 é"',
  ' null ',
  '0.10',
  `${'['.repeat(200)}${']'.repeat(200)}`,
  JSON.stringify('x'.repeat(VALUE_BYTES_MAX - 2)),
]) {
  test(`a value comes back exactly as it was sent: ${value.slice(0, 60)}`, async () => {
    const path = await created(value)
    const { text } = await api.get(path)
    assert.ok(text.includes(`"value":${value},"version":1`))
  })
}

test('an unknown id is 404, for every method that needs an item', async () => {
  const path = `/data/${newId()}`
  assertProblem(await api.get(path), 404, 'not_found')
  assertProblem(await api.send('DELETE', path), 404, 'not_found')
  assertProblem(await api.send('PATCH', path, { body: '{}' }), 404, 'not_found')
})

test('every id of the allowed characters and length works', async () => {
  for (const id of ['~', 'a:b@c', '-_', 'Z'.repeat(200), `..${newId()}`]) {
    const path = `/data/${encodeURIComponent(id)}`
    assert.ok((await api.put(path, '1')).status < 300)
    assert.equal((await api.get(path)).json?.id, id)
    assert.equal((await api.send('DELETE', path)).status, 204)
  }
})

test('any other id is 422 and named', async () => {
  for (const id of ['a b', 'a/b', 'é', 'x'.repeat(201), 'x'.repeat(5000), '%00', '"']) {
    assertFields(await api.get(`/data/${encodeURIComponent(id)}`), '/id')
    assertFields(await api.put(`/data/${encodeURIComponent(id)}`, '1'), '/id')
  }
  assertProblem(await api.get('/data/%zz'), 400, 'bad_request')
})

test('HEAD has the headers of GET and no body', async () => {
  const path = await created()
  const [head, get] = [await api.send('HEAD', path), await api.get(path)]
  assert.equal(head.status, 200)
  assert.equal(head.text, '')
  for (const name of ['etag', 'content-type', 'content-length']) {
    assert.equal(head.headers.get(name), get.headers.get(name))
  }
})

test('GET with the current version in If-None-Match is 304 without a body', async () => {
  const path = await created()
  for (const tags of ['"1"', 'W/"1"', '"7", "1"', '*']) {
    const answer = await api.get(path, { 'if-none-match': tags })
    assert.equal(answer.status, 304)
    assert.equal(answer.text, '')
    assert.equal(answer.headers.get('etag'), '"1"')
  }
  assert.equal((await api.get(path, { 'if-none-match': '"2"' })).status, 200)
})

test('PUT with If-Match takes effect on that version only, else 412 with the current one', async () => {
  const path = await created()
  for (const tags of ['"2"', 'W/"1"', '"abc"', '"2", "3"']) {
    const problem = assertProblem(await api.put(path, '2', { 'if-match': tags }), 412, 'precondition_failed')
    assert.equal(problem.currentVersion, 1)
  }
  assert.equal((await api.put(path, '2', { 'if-match': '"1"' })).json.version, 2)
  assert.equal((await api.put(path, '3', { 'if-match': '"9", "2"' })).json.version, 3)
  assert.equal((await api.put(path, '4', { 'if-match': '*' })).json.version, 4)
})

test('If-Match on an absent id is 412, for PUT, PATCH and DELETE', async () => {
  const path = `/data/${newId()}`
  for (const tags of ['"1"', '*']) {
    for (const method of ['PUT', 'PATCH']) {
      const answer = await api.send(method, path, { body: '{}', headers: { 'if-match': tags } })
      assert.equal(assertProblem(answer, 412, 'precondition_failed').currentVersion, 0)
    }
    const answer = await api.send('DELETE', path, { headers: { 'if-match': tags } })
    assertProblem(answer, 412, 'precondition_failed')
  }
})

test('If-None-Match: * creates and never replaces', async () => {
  const path = `/data/${newId()}`
  const once = { 'if-none-match': '*' }
  assert.equal((await api.put(path, '1', once)).status, 201)
  assertProblem(await api.put(path, '2', once), 412, 'precondition_failed')
  assert.equal((await api.get(path)).json.value, 1)
})

test('of two writers with If-Match on one version exactly one wins', async () => {
  const path = await created()
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, writer) => api.put(path, String(writer), { 'if-match': '"1"' })),
  )
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal(answers.filter(({ status }) => status === 412).length, 15)
})

test('a malformed condition is 422 and named', async () => {
  const path = await created()
  assertFields(await api.put(path, '1', { 'if-match': '1' }), '/If-Match')
  assertFields(await api.put(path, '1', { 'if-none-match': '"1"' }), '/If-None-Match')
  assertFields(await api.put(path, '1', { 'if-match': '"1"', 'if-none-match': '*' }), '/If-None-Match')
  assertFields(await api.get(path, { 'if-none-match': 'nonsense' }), '/If-None-Match')
})

test('DELETE answers 204, honours If-Match, and the next item under the id goes on counting', async () => {
  const path = await created()
  assertProblem(
    await api.send('DELETE', path, { headers: { 'if-match': '"5"' } }),
    412,
    'precondition_failed',
  )
  const deleted = await api.send('DELETE', path, { headers: { 'if-match': '"1"' } })
  assert.deepEqual([deleted.status, deleted.text], [204, ''])
  assertProblem(await api.get(path), 404, 'not_found')
  assert.equal((await api.put(path, '1')).json.version, 3)
})

test('PATCH merges (RFC 7396), and keeps every digit and the order of what it does not touch', async () => {
  const path = await created('{"10":1.0,"2":1e400,"keep":{"x":[1, 2]},"drop":1}')
  const answer = await api.send('PATCH', path, {
    body: '{"drop":null,"keep":{"y":2.50,"z":null}}',
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('etag'), '"2"')
  assert.ok(answer.text.includes('"value":{"10":1.0,"2":1e400,"keep":{"x":[1, 2],"y":2.50}},"version":2'))
})

test('concurrent PATCHes of different members all take effect', async () => {
  const path = await created('{}')
  const patches = Array.from({ length: 6 }, (_, index) =>
    api.send('PATCH', path, { body: `{"m${index}":${index}}` }),
  )
  for (const { status } of await Promise.all(patches)) assert.equal(status, 200)
  assert.deepEqual((await api.get(path)).json.value, { m0: 0, m1: 1, m2: 2, m3: 3, m4: 4, m5: 5 })
})

test('PATCH honours If-Match', async () => {
  const path = await created()
  const patch = (version: number) =>
    api.send('PATCH', path, { body: '{"b":2}', headers: { 'if-match': `"${version}"` } })
  assertProblem(await patch(2), 412, 'precondition_failed')
  assert.equal((await patch(1)).json.version, 2)
})

test('a PATCH that would make a value too large is 413 and changes nothing', async () => {
  const half = JSON.stringify('x'.repeat(VALUE_BYTES_MAX / 2))
  const path = await created(`{"a":${half}}`)
  assertProblem(await api.send('PATCH', path, { body: `{"b":${half}}` }), 413, 'too_large')
  assert.equal((await api.get(path)).json.version, 1)
})

test('what is not JSON is 400, and nothing is stored', async () => {
  const path = `/data/${newId()}`
  const invalid = ['', '{', '{"a":1}x', "{'a':1}", '[1,]', 'NaN', '01', '"\t"', '\ufeff1', '{"a":undefined}']
  for (const body of invalid) assertProblem(await api.put(path, body), 400, 'invalid_json')
  const notUtf8 = Uint8Array.of(0x22, 0xc3, 0x28, 0x22)
  assertProblem(await api.send('PUT', path, { body: notUtf8 }), 400, 'invalid_json')
  assertProblem(await api.get(path), 404, 'not_found')
})

test('a value with 201 levels is 422, and one a byte too long is 413', async () => {
  const path = `/data/${newId()}`
  assertFields(await api.put(path, `${'['.repeat(201)}${']'.repeat(201)}`), '')
  assertFields(await api.put(path, `${'{"a":'.repeat(201)}1${'}'.repeat(201)}`), '')
  const tooLong = JSON.stringify('x'.repeat(VALUE_BYTES_MAX - 1))
  assertProblem(await api.put(path, tooLong), 413, 'too_large')
  assertProblem(await api.get(path), 404, 'not_found')
})

test('a body of another type, charset or encoding is 415', async () => {
  const path = `/data/${newId()}`
  const types = [
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
  ]
  for (const type of types) {
    assertProblem(await api.put(path, '1', { 'content-type': type }), 415, 'unsupported_media_type')
  }
  assertProblem(await api.put(path, '1', { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type')
  assert.equal((await api.put(path, '1', { 'content-type': 'application/json; charset=UTF-8' })).status, 201)
})

test('another method on an item is 405 with Allow', async () => {
  const answer = await api.send('POST', `/data/${newId()}`, { body: '1' })
  assertProblem(answer, 405, 'method_not_allowed')
  assert.equal(answer.headers.get('allow'), 'DELETE, GET, HEAD, OPTIONS, PATCH, PUT')
  const options = await api.send('OPTIONS', `/data/${newId()}`)
  assert.deepEqual(
    [options.status, options.headers.get('allow')],
    [204, 'DELETE, GET, HEAD, OPTIONS, PATCH, PUT'],
  )
})
