import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { parseConfig } from '../../src/config.ts'
import { AppError, type ErrorCode } from '../../src/domain/errors.ts'
import { createApp } from '../../src/http/app.ts'
import { statusByCode } from '../../src/http/problem.ts'
import { createLifecycle } from '../../src/lifecycle.ts'
import type { LogOutput } from '../../src/log.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { dataOf } from '../support/data.ts'

/** What `GET /data/1` answers and logs when the store throws this. */
async function answerTo(t: TestContext, thrown: unknown) {
  const bounds = { bytesMax: 1024, changesMax: 1, changesRetentionMs: 1000 }
  const memory = createMemoryStore({ clock: systemClock, ...bounds })
  const store = { ...memory, get: () => Promise.reject(thrown) }
  const logged: unknown[] = []
  const error = (fields: unknown) => logged.push(fields)
  const ignore = () => {}
  const output: LogOutput = {
    log: { debug: ignore, info: ignore, warn: ignore, error, fatal: error },
    request: ignore,
    droppedBytes: () => 0,
    flush: ignore,
  }
  const { app } = await createApp({
    config: parseConfig({}),
    ...dataOf(store),
    state: createLifecycle({}),
    registry: new Registry(),
    output,
    version: '0.0.0',
  })
  t.after(() => app.close())
  const answer = await app.inject('/data/1')
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.body,
    problem: answer.json(),
    logged,
  }
}

for (const [what, thrown] of [
  ['an error', new Error('connect to 10.0.0.7 as hunter2')],
  ['an error with a status of its own', Object.assign(new Error('hunter2'), { statusCode: 404 })],
  ['an error with a code of its own', Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' })],
  ['text', 'hunter2'],
] as const) {
  test(`${what} that nobody expected is 500 \`internal\`, logged as a whole, and shows nothing to the client`, async (t) => {
    const { status, text, problem, logged } = await answerTo(t, thrown)
    assert.deepEqual([status, problem.code, problem.title], [500, 'internal', 'Internal Server Error'])
    assert.doesNotMatch(text, /hunter2|10\.0\.0\.7|ECONNREFUSED|stack|\.ts/)
    assert.equal(logged.length, 1)
    assert.equal((logged[0] as { err: unknown }).err, thrown)
  })
}

test('the cause of an error of ours stays inside', async (t) => {
  const { text, problem } = await answerTo(
    t,
    new AppError('unavailable', 'Gone.', { cause: new Error('hunter2') }),
  )
  assert.deepEqual([problem.code, problem.detail], ['unavailable', 'Gone.'])
  assert.doesNotMatch(text, /hunter2/)
})

for (const code of ['overloaded', 'unavailable', 'outcome_unknown'] satisfies ErrorCode[]) {
  test(`${code} is 503 and says when to come again`, async (t) => {
    const { status, headers } = await answerTo(t, new AppError(code, 'Not now.'))
    assert.equal(status, 503)
    assert.match(String(headers['retry-after']), /^[1-9]\d*$/)
  })
}

test('every code has a status of the class that it is about', () => {
  for (const [code, status] of Object.entries(statusByCode)) assert.ok(status >= 400 && status < 600, code)
})
