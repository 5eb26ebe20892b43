import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { type ApiAnswer, assertProblem, newId, useApi } from '../../support/api.ts'

const api = useApi()
const NDJSON = 'application/x-ndjson'
const CSV = 'text/csv'

const send = (type: string, body: string | Uint8Array) =>
  api.send('POST', '/imports', { body, headers: { 'content-type': type } })

/** Resolves to the import when it has ended. */
async function ended({ headers, status, text }: ApiAnswer): Promise<ApiAnswer['json']> {
  assert.equal(status, 202, text)
  const path = headers.get('location') ?? assert.fail('there is no Location')
  return waitUntil(
    'it ends',
    async () => {
      const { json } = await api.get(path)
      return json.finishedAt !== null && json
    },
    { timeoutMs: 20_000 },
  )
}

async function stored(id: string): Promise<string> {
  const { status, text } = await api.get(`/data/${id}`, { 'cache-control': 'no-cache' })
  return status === 404 ? 'absent' : (/^\{"id":"[^"]+","value":(.*),"version":/s.exec(text)?.[1] ?? text)
}

suite('NDJSON', () => {
  test('is answered 202 with the import, and applied when it is whole', async () => {
    const [a, b] = [newId(), newId()]
    const answer = await send(
      NDJSON,
      `{"id":"${a}","value":{"b": 1.0,"a":1e400}}\r\n\n{"value":"é","id":"${b}"}`,
    )
    assert.match(answer.json.state, /^(queued|running|succeeded)$/)
    assert.equal(answer.headers.get('location'), `/imports/${answer.json.id}`)
    const { id, state, lines, errors, createdAt, finishedAt } = await ended(answer)
    assert.equal(id, answer.json.id)
    assert.equal(state, 'succeeded')
    assert.deepEqual(lines, { total: 2, applied: 2, rejected: 0, superseded: 0 })
    assert.deepEqual(errors, [])
    assert.ok(createdAt <= finishedAt)
    assert.equal(await stored(a), '{"b": 1.0,"a":1e400}', 'every digit and space')
    assert.equal(await stored(b), '"é"')
  })

  test('bad lines are told by number and reason, and the good ones are applied', async () => {
    const [a, b] = [newId(), newId()]
    const lines = [
      `{"id":"${a}","value":1}`,
      'nonsense',
      '{"id":"with space","value":1}',
      `{"id":"${newId()}"}`,
      `{"id":"${newId()}","value":1,"other":2}`,
      '[1]',
      `{"id":"${newId()}","value":${'['.repeat(201)}${']'.repeat(201)}}`,
      `{"id":"${newId()}","value":"${'x'.repeat(256 * 1024)}"}`,
      `{"id":"${b}","value":2}`,
    ]
    const { state, lines: counts, errors } = await ended(await send(NDJSON, lines.join('\n')))
    assert.equal(state, 'succeeded')
    assert.deepEqual(counts, { total: 9, applied: 2, rejected: 7, superseded: 0 })
    assert.deepEqual(
      errors.map(({ line, code }: { line: number; code: string }) => [line, code]),
      [
        [2, 'invalid_json'],
        [3, 'invalid_field'],
        [4, 'invalid_field'],
        [5, 'invalid_field'],
        [6, 'invalid_json'],
        [7, 'invalid_field'],
        [8, 'too_large'],
      ],
    )
    assert.equal(await stored(a), '1')
    assert.equal(await stored(b), '2')
  })

  test('the last line of an id wins, over many chunks too', async () => {
    const id = newId()
    const lines = Array.from(
      { length: 1200 },
      (_, n) => `{"id":"${n % 100 === 0 ? id : newId()}","value":${n}}`,
    )
    const { lines: counts } = await ended(await send(NDJSON, lines.join('\n')))
    assert.equal(counts.total, 1200)
    assert.equal(counts.applied + counts.superseded, 1200)
    assert.ok(counts.superseded > 0)
    assert.equal(await stored(id), '1100')
  })

  test('of many errors the first thousand are told, and all are counted', async () => {
    const { lines, errors } = await ended(await send(NDJSON, 'x\n'.repeat(1500)))
    assert.equal(lines.rejected, 1500)
    assert.equal(errors.length, 1000)
    assert.equal(errors.at(-1).line, 1000)
  })
})

suite('CSV', () => {
  test('a column of JSON text becomes the value as it is', async () => {
    const id = newId()
    const body = `id,value\r\n${id},"{""a"": 1.0}"\r\n${newId()},nonsense\r\n`
    const { lines, errors } = await ended(await send(`${CSV}; charset=utf-8`, body))
    assert.deepEqual(lines, { total: 2, applied: 1, rejected: 1, superseded: 0 })
    assert.equal(errors[0].line, 3)
    assert.equal(await stored(id), '{"a": 1.0}')
  })

  test('other columns become an object of strings', async () => {
    const id = newId()
    await ended(await send(CSV, `city,id,"na,me"\n"Köln\nDeutz",${id},"say ""hi"""\n`))
    assert.equal(await stored(id), '{"city":"Köln\\nDeutz","na,me":"say \\"hi\\""}')
  })

  test('without a header that can be used the import has failed, and says why', async () => {
    for (const header of ['name,city', 'id,id', 'id,', 'id,value,other', 'id']) {
      const { state, lines, errors } = await ended(await send(CSV, `${header}\n1,2\n`))
      assert.equal(state, 'failed', header)
      assert.equal(lines.applied, 0)
      assert.match(errors[0].detail, /^The header: expected /)
    }
  })
})

test('an import of nothing succeeds', async () => {
  const { state, lines } = await ended(await send(NDJSON, ''))
  assert.equal(state, 'succeeded')
  assert.equal(lines.total, 0)
})

test('a cancel is answered with the import, and what has ended stays as it is', async () => {
  const answer = await send(NDJSON, `{"id":"${newId()}","value":1}`)
  await ended(answer)
  const canceled = await api.send('DELETE', `/imports/${answer.json.id}`)
  assert.equal(canceled.status, 200)
  assert.equal(canceled.json.state, 'succeeded')
})

test('an unknown import is 404', async () => {
  assertProblem(await api.get(`/imports/${newId()}`), 404, 'not_found')
  assertProblem(await api.send('DELETE', `/imports/${newId()}`), 404, 'not_found')
})

test('a body of another type, coding or charset is 415 and says what is expected', async () => {
  for (const headers of [
    { 'content-type': 'application/json' },
    { 'content-type': 'text/plain' },
    { 'content-type': `${NDJSON}; charset=utf-16` },
    { 'content-type': CSV, 'content-encoding': 'gzip' },
  ]) {
    const answer = await api.send('POST', '/imports', { body: '{}', headers })
    const { detail } = assertProblem(answer, 415, 'unsupported_media_type')
    assert.match(detail, /NDJSON .* or CSV .*UTF-8.* content encoding/, JSON.stringify(headers))
  }
})

test('an import is 415 where none is expected', async () => {
  const csv = { body: '1', headers: { 'content-type': CSV } }
  for (const [method, path] of [
    ['PUT', `/data/${newId()}`],
    ['POST', '/batch'],
  ] as const) {
    const { detail } = assertProblem(await api.send(method, path, csv), 415, 'unsupported_media_type')
    assert.match(detail, /application\/json/)
  }
})
