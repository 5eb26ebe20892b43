import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createLog } from '../../../src/log.ts'
import type { Applied } from '../../../src/ports/imports.ts'
import { importHandler } from '../../../src/worker/handlers/import.ts'

const attempt = {
  body: '{"id":"long"}',
  attempt: 1,
  stopping: new AbortController().signal,
  log: createLog('error').log,
}

test('an import that somebody else applies is not done before it has ended', async () => {
  const answers: Applied[] = ['taken', 'more', 'taken', 'ended']
  const { handle } = importHandler({ apply: async () => answers.shift() as Applied })
  assert.equal(await handle(attempt), 'done')
  assert.deepEqual(answers, [])
})

test('a long import is done in turns, between which its message is sent anew', async () => {
  let chunks = 20
  async function apply(): Promise<Applied> {
    await delay(10)
    return --chunks > 0 ? 'more' : 'ended'
  }
  const { handle } = importHandler({ apply }, 50)
  const results = [await handle(attempt)]
  while (results.at(-1) !== 'done') results.push(await handle(attempt))
  assert.equal(chunks, 0)
  assert.ok(results.length >= 3, `${results}`)
})

test('at a later attempt it is one chunk, so that kills do not add up while the import goes on', async () => {
  let chunks = 3
  const { handle } = importHandler({ apply: async () => (--chunks > 0 ? 'more' : 'ended') })
  assert.equal(await handle({ ...attempt, attempt: 2 }), 'left')
  assert.equal(chunks, 2)
  assert.equal(await handle(attempt), 'done')
})
