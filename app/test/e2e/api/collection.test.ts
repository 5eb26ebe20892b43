import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFields, assertProblem, newId, useApi } from '../../support/api.ts'

const api = useApi()

const post = (body: string, headers = {}) => api.send('POST', '/data', { body, headers })

async function createdUnder(prefix: string, ends: readonly string[]): Promise<void> {
  for (const end of ends)
    assert.equal((await api.put(`/data/${prefix}${end}`, JSON.stringify(end))).status, 201)
}

/** The ids of all pages, following the `next` cursors and checking each against the `Link` header. */
async function allIds(prefix: string, limit: number): Promise<string[]> {
  const ids: string[] = []
  let path = `/data?prefix=${prefix}&limit=${limit}`
  for (;;) {
    const { json, headers, status } = await api.get(path)
    assert.equal(status, 200)
    assert.ok(json.items.length <= limit)
    ids.push(...json.items.map((item: { id: string }) => item.id))
    const link = headers.get('link')
    if (json.next === null) {
      assert.equal(link, null)
      return ids
    }
    const next = /^<(.+)>; rel="next"$/.exec(link ?? '')?.[1]
    assert.ok(next?.includes(`cursor=${json.next}`))
    path = next ?? ''
  }
}

test('a list has every item of the prefix once, in byte order, whatever the size of its pages', async () => {
  const prefix = `${newId()}.`
  const ends = ['~', 'a', 'B', '10', '9', ':', '@', '_', '-x']
  await createdUnder(prefix, ends)
  const expected = ends
    .map((end) => prefix + end)
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const limit of [1, 2, 9, 1000]) assert.deepEqual(await allIds(prefix, limit), expected)
})

test('a page is stable against writes behind and before its cursor', async () => {
  const prefix = `${newId()}.`
  await createdUnder(prefix, ['b', 'd', 'f'])
  const { json } = await api.get(`/data?prefix=${prefix}&limit=2`)
  await createdUnder(prefix, ['a', 'e'])
  await api.send('DELETE', `/data/${prefix}d`)
  const rest = await api.get(`/data?prefix=${prefix}&cursor=${json.next}`)
  const ids = rest.json.items.map((item: { id: string }) => item.id)
  assert.deepEqual(ids, [`${prefix}e`, `${prefix}f`])
})

test('an item in a list is the item that GET answers', async () => {
  const prefix = `${newId()}.`
  await createdUnder(prefix, ['1'])
  const [list, item] = [await api.get(`/data?prefix=${prefix}`), await api.get(`/data/${prefix}1`)]
  assert.equal(list.text, `{"items":[${item.text}],"next":null}`)
})

test('a list of nothing is empty', async () => {
  assert.equal((await api.get(`/data?prefix=${newId()}`)).text, '{"items":[],"next":null}')
})

test('a wrong query parameter is 422 and named', async () => {
  for (const limit of ['0', '1001', '-1', 'x', '1.5', '', '1e2x']) {
    assertFields(await api.get(`/data?limit=${limit}`), '/limit')
  }
  assertFields(await api.get('/data?prefix=a%20b'), '/prefix')
  assertFields(await api.get('/data?cursor=nonsense'), '/cursor')
  assertFields(await api.get('/data?limt=5'), '/limt')
  assertFields(await api.get('/data?limit=x&prefix=%C3%A9'), '/limit', '/prefix')
  assertFields(await api.get('/data?limit=1&limit=2'), '/limit')
})

test('POST creates under a new id each time, with Location; ids grow with time', async () => {
  const first = await post('{"n":1.0}')
  assert.equal(first.status, 201)
  assert.match(first.json.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(first.headers.get('location'), `/data/${first.json.id}`)
  assert.equal(first.headers.get('etag'), '"1"')
  const second = await post('{"n":1.0}')
  assert.ok(second.json.id > first.json.id)
  assert.equal((await api.get(first.headers.get('location') ?? '')).text, first.text)
})

test('with an Idempotency-Key a retry gets the first answer, whatever has become of the item', async () => {
  const headers = { 'idempotency-key': newId() }
  const first = await post('{"n":1}', headers)
  assert.equal(first.status, 201)
  for (const meddle of [
    async () => {},
    () => api.put(`/data/${first.json.id}`, '"changed"'),
    () => api.send('DELETE', `/data/${first.json.id}`),
  ]) {
    await meddle()
    const again = await post('{"n":1}', headers)
    assert.deepEqual([again.status, again.text], [201, first.text])
    assert.equal(again.headers.get('location'), first.headers.get('location'))
  }
})

test('an Idempotency-Key with another body is 422 and creates nothing', async () => {
  const headers = { 'idempotency-key': newId() }
  const first = await post('{"n":1}', headers)
  assertProblem(await post('{"n": 1}', headers), 422, 'idempotency_key_reused')
  assert.equal((await api.get(`/data/${first.json.id}`)).json.version, 1)
})

test('of concurrent POSTs with one Idempotency-Key one creates, and all get its answer', async () => {
  const headers = { 'idempotency-key': newId() }
  const answers = await Promise.all(Array.from({ length: 10 }, () => post('[1]', headers)))
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  assert.equal((await api.get(`/data/${answers[0]?.json.id}`)).json.version, 1)
})

test('a malformed Idempotency-Key is 422 and named', async () => {
  for (const key of ['', 'a b', 'x'.repeat(256)]) {
    assertFields(await post('1', { 'idempotency-key': key }), '/Idempotency-Key')
  }
})
