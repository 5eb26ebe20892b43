import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiAnswer, assertProblem, newId, useApi } from '../../support/api.ts'

const api = useApi({ CHANGES_RETENTION_MS: '1000' })
const isOurs = process.env.BASE_URL === undefined

/** The cursor behind one more change. */
async function afterOneMore(): Promise<string> {
  await api.put(`/data/${newId()}`, '1')
  for (let after = ''; ; ) {
    const { json } = await api.get(`/changes?limit=1000&after=${after}`)
    if (json.changes.length === 0) return json.next
    after = json.next
  }
}

test('a cursor older than what is kept is 410 with the oldest one, from which reading goes on', {
  skip: !isOurs && 'how long that service keeps changes is not known',
}, async () => {
  const start = await afterOneMore()
  await afterOneMore()
  while ((await api.get(`/changes?after=${start}`)).status === 200) await afterOneMore()
  // The oldest may be pruned while its cursor is on the way.
  let kept: ApiAnswer
  do {
    const { oldest } = assertProblem(await api.get(`/changes?after=${start}`), 410, 'cursor_expired')
    kept = await api.get(`/changes?after=${oldest}&limit=1000`)
  } while (kept.status === 410)
  assert.equal(kept.status, 200)
  const streamed = await api.get(`/changes?after=${start}`, { accept: 'text/event-stream' })
  assertProblem(streamed, 410, 'cursor_expired')
})
