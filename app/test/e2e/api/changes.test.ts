import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFields, assertProblem, newId, useApi } from '../../support/api.ts'

const api = useApi()

interface Change {
  readonly position: number
  readonly id: string
  readonly version: number
  readonly op: string
  readonly at: string
}

/** The cursor behind the newest change. */
async function end(): Promise<string> {
  for (let after = ''; ; ) {
    const { json } = await api.get(`/changes?limit=1000&after=${after}`)
    if (json.changes.length === 0) return json.next
    after = json.next
  }
}

/** Events of a stream as they come, until `count` have. */
async function events(headers: Record<string, string>, path: string, count: number) {
  const leave = new AbortController()
  const response = await fetch(api.url + path, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: leave.signal,
  })
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const found: { id: string; change: Change }[] = []
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    for (let stop = text.indexOf('\n\n'); stop !== -1; stop = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, stop)
          .split('\n')
          .map((line) => line.split(': ', 2) as [string, string]),
      )
      text = text.slice(stop + 2)
      const [id, data] = [fields.get('id'), fields.get('data')]
      if (id !== undefined && data !== undefined) found.push({ id, change: JSON.parse(data) })
    }
    if (found.length >= count) break
  }
  leave.abort()
  return found
}

test('the feed has every write of an id in the order of its versions, at dense positions', async () => {
  const start = await end()
  const id = newId()
  await api.put(`/data/${id}`, '1')
  await api.send('PATCH', `/data/${id}`, { body: '{"a":1}' })
  await api.send('DELETE', `/data/${id}`)
  await api.send('POST', '/batch', { body: JSON.stringify({ operations: [{ op: 'put', id, value: 1 }] }) })
  const { json } = await api.get(`/changes?after=${start}`)
  const changes: Change[] = json.changes
  assert.deepEqual(Object.keys(changes[0] ?? {}), ['position', 'id', 'version', 'op', 'at'])
  assert.deepEqual(
    changes.filter((change) => change.id === id).map(({ version, op }) => [version, op]),
    [
      [1, 'put'],
      [2, 'put'],
      [3, 'delete'],
      [4, 'put'],
    ],
  )
  const first = changes[0]?.position ?? 0
  for (const [index, { position }] of changes.entries()) assert.equal(position, first + index)
})

test('a refused write leaves no change', async () => {
  const start = await end()
  await api.put(`/data/${newId()}`, '1', { 'if-match': '"1"' })
  assert.equal(await end(), start)
})

test('small pages give the same changes as one large page', async () => {
  const start = await end()
  for (let index = 0; index < 7; index++) await api.put(`/data/${newId()}`, '1')
  const whole = (await api.get(`/changes?after=${start}&limit=1000`)).json.changes
  const pieces: Change[] = []
  for (let after = start; ; ) {
    const { json } = await api.get(`/changes?after=${after}&limit=2`)
    if (json.changes.length === 0) break
    pieces.push(...json.changes)
    after = json.next
  }
  assert.deepEqual(pieces, whole)
})

test('a long poll is answered by the next change', { timeout: 20_000 }, async () => {
  const start = await end()
  const id = newId()
  const poll = api.get(`/changes?after=${start}&wait=15`)
  await api.put(`/data/${id}`, '1')
  const { status, json } = await poll
  assert.equal(status, 200)
  assert.ok(json.changes.some((change: Change) => change.id === id))
})

test('a long poll without a change is answered empty after its time, with the cursor to go on from', async () => {
  const start = await end()
  const { json } = await api.get(`/changes?after=${start}&wait=0.05`)
  assert.deepEqual(json, { changes: [], next: start })
})

test('a stream delivers changes as they happen, and goes on after Last-Event-ID', {
  timeout: 20_000,
}, async () => {
  const start = await end()
  const ids = [newId(), newId(), newId()]
  const stream = events({}, `/changes?after=${start}`, 3)
  for (const id of ids) await api.put(`/data/${id}`, '1')
  const all = await stream
  assert.deepEqual(
    all.map(({ change }) => change.id),
    ids,
  )
  const rest = await events({ 'last-event-id': all[0]?.id ?? '' }, `/changes?after=${start}`, 2)
  assert.deepEqual(rest, all.slice(1))
})

test("another feed's cursor is 410, because its positions mean nothing here", async () => {
  const foreign = Buffer.from('feed:00000000:1').toString('base64url')
  assertProblem(await api.get(`/changes?after=${foreign}`), 410, 'cursor_expired')
})

test('a wrong query parameter is 422 and named', async () => {
  assertFields(await api.get('/changes?after=nonsense'), '/after')
  assertFields(await api.get('/changes', { 'last-event-id': 'nonsense' }), '/Last-Event-ID')
  assertFields(await api.get('/changes?wait=-1'), '/wait')
  assertFields(await api.get('/changes?wait=56&limit=0'), '/limit', '/wait')
  assertFields(await api.get('/changes?since=1'), '/since')
})
