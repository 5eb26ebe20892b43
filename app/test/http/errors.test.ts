import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AppError, type ErrorCode } from '../../src/domain/errors.ts'
import { statusByCode } from '../../src/http/problem.ts'
import { appOf } from '../support/app.ts'

/** What `GET /data/1` answers and logs when the store throws this. */
async function answerTo(t: TestContext, thrown: unknown) {
  const logged: unknown[] = []
  const { app } = await appOf(t, {
    storeOf: (memory) => ({ ...memory, get: () => Promise.reject(thrown) }),
    onError: (fields) => logged.push(fields),
  })
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
