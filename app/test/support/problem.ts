import assert from 'node:assert/strict'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { statusByCode } from '../../src/http/problem.ts'
import type { Answer } from './raw-answer.ts'

export interface Problem {
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly requestId: string
  readonly errors?: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[]
}

/** What must never reach a client: a stack, a path of ours, a module's name. */
const INTERNAL = /node_modules|node:internal|\.ts\b|\bat \S+ \(|FST_ERR|HPE_|[A-Z]\w+Error:/

/** The answer as a problem document (RFC 9457) with one of our codes, its status, and the answer's own request id. */
export function problemOf(answer: Answer | undefined): Problem {
  assert.ok(answer !== undefined, 'expected a problem document, and the connection ended without an answer')
  assert.match(answer.headers.get('content-type') ?? 'none', /^application\/problem\+json(;|$)/)
  const text = answer.body.toString()
  assert.doesNotMatch(text, INTERNAL)
  const problem = JSON.parse(text) as Problem & Record<string, unknown>
  for (const member of ['type', 'title', 'code', 'detail', 'requestId']) {
    assert.ok(typeof problem[member] === 'string' && problem[member] !== '', `${member} in ${text}`)
  }
  assert.equal(problem.status, answer.status)
  assert.equal(problem.status, statusByCode[problem.code], `the status of ${problem.code}`)
  assert.equal(problem.requestId, answer.headers.get('x-request-id'))
  for (const { pointer, code, detail } of problem.errors ?? []) {
    assert.match(pointer, /^(\/|$)/)
    assert.ok(code !== '' && detail !== '')
  }
  return problem
}

/** Asserts that the answer is a problem document with this code, and so with its status. */
export function assertProblem(answer: Answer | undefined, code: ErrorCode): void {
  const problem = problemOf(answer)
  assert.equal(problem.code, code, problem.detail)
}
