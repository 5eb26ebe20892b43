import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../src/domain/errors.ts'
import { createWaitingLine, type Waiter } from '../../src/http/waiting-line.ts'
import { randomOf } from '../support/random.ts'

const roomy = { requestsMax: 100, bytesMax: 1000, ageMaxMs: 60_000 }
const waiter = (startMs = performance.now()): Waiter => ({ startMs, before: undefined, behind: undefined })
const isOverloaded = (error: AppError) => error instanceof AppError && error.code === 'overloaded'

/** Keeps the event loop's turn going, as requests that became readable together do. */
function workFor(durationMs: number): void {
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs);
}

test('the line is full at its last place, and has room again when anyone leaves', () => {
  const line = createWaitingLine({ ...roomy, requestsMax: 2 })
  const [first, second] = [waiter(), waiter()]
  line.enter(first)
  assert.equal(line.full(), undefined)
  line.enter(second)
  assert.equal(line.full(), 'requests')
  assert.equal(line.length, 2)
  line.leave(first)
  assert.equal(line.full(), undefined)
  assert.equal(line.length, 1)
})

test('what is looked at too late in its turn is turned away, and the next turn begins anew', async () => {
  const line = createWaitingLine({ ...roomy, ageMaxMs: 50 })
  const turn = () => Array.from({ length: 20 }, () => line.full())
  assert.deepEqual(new Set(turn()), new Set([undefined]))
  workFor(60)
  assert.equal(turn().at(-1), 'age')
  await nextTurn()
  assert.deepEqual(new Set(turn()), new Set([undefined]))
})

test('a request is no older than the time before which it cannot have come', () => {
  const line = createWaitingLine({ ...roomy, ageMaxMs: 50 })
  line.full()
  workFor(60)
  assert.equal(line.full(performance.now()), undefined)
  assert.equal(line.full(), 'age')
})

test('the memory budget is spent to its last byte and not beyond', () => {
  const line = createWaitingLine(roomy)
  line.hold(600)
  assert.throws(() => line.hold(401), isOverloaded)
  line.hold(400)
  assert.throws(() => line.hold(1), isOverloaded)
  assert.equal(line.bytes, 1000)
})

test('what was refused is not counted, and what is released can be held again', () => {
  const line = createWaitingLine(roomy)
  line.hold(900)
  assert.throws(() => line.hold(200), isOverloaded)
  line.release(900)
  assert.equal(line.bytes, 0)
  line.hold(1000)
})

test('the age is that of the request that has waited longest', () => {
  const line = createWaitingLine(roomy)
  assert.equal(line.ageMs, 0)
  const oldest = waiter(performance.now() - 5000)
  line.enter(oldest)
  line.enter(waiter(performance.now() - 1000))
  assert.ok(line.ageMs >= 5000)
  line.leave(oldest)
  assert.ok(line.ageMs >= 1000 && line.ageMs < 5000)
})

test('whoever enters and leaves, in any order, the length and the age are right', (t) => {
  const random = randomOf(t)
  const line = createWaitingLine(roomy)
  const waiting: Waiter[] = []
  for (let round = 1; round <= 2000; round++) {
    if (random.chance(0.5)) {
      // An hour apart, so that the time that this test takes does not matter.
      const one = waiter(performance.now() - (3000 - round) * 3_600_000)
      waiting.push(one)
      line.enter(one)
    }
    if (waiting.length > 0 && random.chance(0.5)) {
      const [one] = waiting.splice(random.below(waiting.length), 1)
      if (one !== undefined) line.leave(one)
    }
    const [oldest] = waiting
    const ageMs = oldest === undefined ? 0 : performance.now() - oldest.startMs
    assert.equal(line.length, waiting.length)
    assert.ok(Math.abs(line.ageMs - ageMs) < 1_800_000, `round ${round}: ${line.ageMs} and not ${ageMs}`)
  }
})
