import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFields, assertProblem, newId, useApi } from '../../support/api.ts'

const api = useApi()

const send = (body: string) => api.send('POST', '/batch', { body })
const batch = (...operations: readonly unknown[]) => send(JSON.stringify({ operations }))

test('a batch puts and deletes, and answers the new versions in its own order', async () => {
  const [a, b] = [newId(), newId()]
  await api.put(`/data/${b}`, '1')
  const answer = await batch(
    { op: 'delete', id: b, ifVersion: 1 },
    { op: 'put', id: a, value: null, ifVersion: 0 },
  )
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.json, {
    results: [
      { id: b, version: 2 },
      { id: a, version: 1 },
    ],
  })
  assertProblem(await api.get(`/data/${b}`), 404, 'not_found')
})

test('values come back exactly as they were sent', async () => {
  const [a, b] = [newId(), newId()]
  const body = ` { "operations" : [ {"value": {"x": 1.0 , "x":[1e400,"]}\\""]} , "op":"put","id":"${a}"},
    {"\\u006fp":"put","id":"${b}","value":1,"v\\u0061lue" : 2.50 } ] } `
  assert.equal((await send(body)).status, 200)
  assert.ok((await api.get(`/data/${a}`)).text.includes('"value":{"x": 1.0 , "x":[1e400,"]}\\""]},"version"'))
  assert.ok((await api.get(`/data/${b}`)).text.includes('"value":2.50,"version"'))
})

test('a batch with one refused operation changes nothing, and its problem names each refused one', async () => {
  const [a, b, c] = [newId(), newId(), newId()]
  await api.put(`/data/${b}`, '1')
  const answer = await batch(
    { op: 'put', id: a, value: 1 },
    { op: 'put', id: b, value: 2, ifVersion: 4 },
    { op: 'delete', id: c },
  )
  const { errors } = assertProblem(answer, 412, 'precondition_failed')
  assert.deepEqual(
    errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code]),
    [
      ['/operations/1', 'precondition_failed'],
      ['/operations/2', 'not_found'],
    ],
  )
  assertProblem(await api.get(`/data/${a}`), 404, 'not_found')
  assert.equal((await api.get(`/data/${b}`)).json.value, 1)
})

test('500 operations fit; 501, none, and a repeated id do not', async () => {
  const operations = Array.from({ length: 501 }, () => ({ op: 'put', id: newId(), value: 1 }))
  assert.equal((await batch(...operations.slice(0, 500))).json.results.length, 500)
  assertFields(await batch(...operations), '/operations')
  assertFields(await batch(), '/operations')
  const id = newId()
  assertFields(await batch({ op: 'put', id, value: 1 }, { op: 'delete', id }), '/operations/1/id')
})

test('a wrong field is 422 with a pointer to it', async () => {
  const id = newId()
  assertFields(await send('[]'), '')
  assertFields(await send('{}'), '/operations')
  assertFields(await send('{"operations":[],"more":1}'), '/more')
  assertFields(await batch({ op: 'move', id }), '/operations/0/op')
  assertFields(await batch({ id, value: 1 }), '/operations/0/op')
  assertFields(await batch({ op: 'put', id }), '/operations/0/value')
  assertFields(await batch({ op: 'put', value: 1 }), '/operations/0/id')
  assertFields(await batch({ op: 'put', id: 'a b', value: 1 }), '/operations/0/id')
  assertFields(await batch({ op: 'put', id, value: 1, ifVersion: -1 }), '/operations/0/ifVersion')
  assertFields(await batch({ op: 'put', id, value: 1, ifVersion: '1' }), '/operations/0/ifVersion')
  assertFields(await batch({ op: 'delete', id, value: 1 }), '/operations/0/value')
  const deep = `${'['.repeat(201)}${']'.repeat(201)}`
  assertFields(
    await send(`{"operations":[{"op":"put","id":"${id}","value":${deep}}]}`),
    '/operations/0/value',
  )
  const long = 'x'.repeat(256 * 1024)
  assertFields(await batch({ op: 'put', id, value: long }), '/operations/0/value')
  assertProblem(await api.get(`/data/${id}`), 404, 'not_found')
})

test('a body above 4 MiB is 413, one that is not JSON is 400', async () => {
  assertProblem(await send(`{"operations":[${' '.repeat(4 * 1024 * 1024)}]}`), 413, 'too_large')
  assertProblem(await send('{"operations":'), 400, 'invalid_json')
  assertProblem(await send('['.repeat(1_000_000)), 400, 'invalid_json')
})
