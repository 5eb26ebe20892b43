import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  AGAIN,
  type Batcher,
  type BatcherOptions,
  BatchRefused,
  createBatcher,
} from '../../src/adapters/batcher.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { Caller } from '../../src/ports/store.ts'

type Answers = readonly (string | typeof AGAIN)[]

/** One round trip that the test answers. */
interface RoundTrip {
  readonly requests: readonly string[]
  /** By default, every request's answer is itself. */
  answer(answers?: Answers): void
  fail(error: unknown): void
}

interface Setup {
  readonly batcher: Batcher<string, string>
  /** Every batch that was sent, in order. */
  readonly sent: readonly RoundTrip[]
  /** Resolves when `count` batches have been sent. */
  sentAtLeast(count: number): Promise<void>
  add(request: string, caller?: Caller): Promise<string>
}

const patient: Caller = { deadlineMs: Number.POSITIVE_INFINITY, left: false }

function setUp(options: Partial<BatcherOptions<string, string, undefined>> = {}): Setup {
  const sent: RoundTrip[] = []
  const batcher = createBatcher<string, string, undefined>({
    lanesMax: 1,
    rowsMax: 100,
    withLane: (use) => use(undefined),
    send(_lane, requests) {
      const { promise, resolve, reject } = Promise.withResolvers<Answers>()
      sent.push({ requests, answer: (answers = requests) => resolve(answers), fail: reject })
      return promise
    },
    ...options,
  })
  return {
    batcher,
    sent,
    async sentAtLeast(count) {
      for (let turn = 0; sent.length < count; turn++) {
        assert(turn < TURNS_MAX, `batch ${count} was never sent`)
        await nextTurn()
      }
    },
    add: (request, caller = patient) => batcher.add(request, caller),
  }
}

/** A batch that is going to be sent is sent in one or two. */
const TURNS_MAX = 1000

/** Enough turns of the event loop for a batch to be sent, if one is going to be. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn()
}

const requestsOf = (sent: readonly RoundTrip[]) => sent.map(({ requests }) => requests)
const answerAll = (sent: readonly RoundTrip[], from = 0) => {
  for (const trip of sent.slice(from)) trip.answer()
}

const locked = () => new BatchRefused(new AppError('unavailable', 'locked'), { passes: true })
const bad = () => new BatchRefused(new AppError('internal', 'bad row'), { passes: false })

test('a request that comes alone is sent at once', async () => {
  const { add, sent, sentAtLeast } = setUp()
  const answer = add('a')
  await sentAtLeast(1)
  answerAll(sent)
  assert.equal(await answer, 'a')
})

test('what arrives in one turn travels together, and what comes during a round trip in the next one', async () => {
  const { add, sent, sentAtLeast } = setUp()
  const first = [add('a'), add('b')]
  await sentAtLeast(1)
  const second = [add('c'), add('d'), add('e')]
  await settled()
  assert.deepEqual(requestsOf(sent), [['a', 'b']])
  answerAll(sent)
  await sentAtLeast(2)
  answerAll(sent, 1)
  assert.deepEqual(await Promise.all([...first, ...second]), ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(requestsOf(sent), [
    ['a', 'b'],
    ['c', 'd', 'e'],
  ])
})

test('a batch has at most so many rows, and the others follow in the order in which they came', async () => {
  const { add, sent, sentAtLeast } = setUp({ rowsMax: 2 })
  const answers = ['a', 'b', 'c', 'd', 'e'].map((request) => add(request))
  for (let count = 1; count <= 3; count++) {
    await sentAtLeast(count)
    answerAll(sent, count - 1)
  }
  await Promise.all(answers)
  assert.deepEqual(requestsOf(sent), [['a', 'b'], ['c', 'd'], ['e']])
})

test('a batch has at most so many bytes, and a request that is larger by itself travels alone', async () => {
  const { add, sent, sentAtLeast } = setUp({ bytesMax: 5, bytesOf: (request) => request.length })
  const answers = ['aaa', 'bb', 'c', 'dddddddd', 'ee'].map((request) => add(request))
  for (let count = 1; count <= 4; count++) {
    await sentAtLeast(count)
    answerAll(sent, count - 1)
  }
  await Promise.all(answers)
  assert.deepEqual(requestsOf(sent), [['aaa', 'bb'], ['c'], ['dddddddd'], ['ee']])
})

test('no more batches are in flight than there are lanes', async () => {
  const { add, sent, sentAtLeast } = setUp({ lanesMax: 2, rowsMax: 1 })
  const answers = ['a', 'b', 'c'].map((request) => add(request))
  await sentAtLeast(2)
  await settled()
  assert.equal(sent.length, 2)
  answerAll(sent)
  await sentAtLeast(3)
  answerAll(sent, 2)
  await Promise.all(answers)
})

test('a request whose time is over is not sent, and is told that nothing was done', async () => {
  const { add, sent, sentAtLeast } = setUp()
  const blocking = add('a')
  await sentAtLeast(1)
  const late = add('late', { deadlineMs: performance.now() - 1, left: false })
  const expired = assert.rejects(late, { code: 'unavailable' })
  const next = add('b')
  answerAll(sent)
  await sentAtLeast(2)
  answerAll(sent, 1)
  await expired
  await Promise.all([blocking, next])
  assert.deepEqual(requestsOf(sent), [['a'], ['b']])
})

test('a request whose client has left while it waited is not sent', async () => {
  const { add, sent, sentAtLeast } = setUp()
  const caller = { deadlineMs: Number.POSITIVE_INFINITY, left: false }
  const blocking = add('a')
  await sentAtLeast(1)
  const abandoned = assert.rejects(add('b', caller), { code: 'unavailable' })
  caller.left = true
  answerAll(sent)
  await settled()
  answerAll(sent, 1)
  await abandoned
  await blocking
  assert.equal(sent.length, 1)
})

test('shared: requests for one key that wait together are one row, and one that was sent is not joined', async () => {
  const { add, sent, sentAtLeast } = setUp({ keyOf: (request) => request, sameKey: 'share' })
  const first = [add('a'), add('a'), add('b')]
  await sentAtLeast(1)
  const second = [add('a'), add('a')]
  await settled()
  answerAll(sent)
  await sentAtLeast(2)
  sent[1]?.answer(['a as it is later'])
  assert.deepEqual(await Promise.all(first), ['a', 'a', 'b'])
  assert.deepEqual(await Promise.all(second), ['a as it is later', 'a as it is later'])
  assert.deepEqual(requestsOf(sent), [['a', 'b'], ['a']])
})

test('shared: a row goes on for those who still wait for it', async () => {
  const { add, sent, sentAtLeast } = setUp({ keyOf: (request) => request, sameKey: 'share' })
  const gone = assert.rejects(add('a', { deadlineMs: Number.POSITIVE_INFINITY, left: true }))
  const here = add('a')
  await sentAtLeast(1)
  answerAll(sent)
  await gone
  assert.equal(await here, 'a')
})

test('exclusive: a key is in one batch at a time, and there once; the others overtake it', async () => {
  const keyOf = (request: string) => request.slice(0, 1)
  const { add, sent, sentAtLeast } = setUp({ lanesMax: 2, keyOf, sameKey: 'exclude' })
  const answers = [add('a1'), add('a2'), add('b1')]
  await sentAtLeast(1)
  answers.push(add('a3'), add('c1'))
  await sentAtLeast(2)
  await settled()
  assert.deepEqual(requestsOf(sent), [['a1', 'b1'], ['c1']])
  sent[0]?.answer()
  await sentAtLeast(3)
  assert.deepEqual(sent[2]?.requests, ['a2'])
  answerAll(sent, 1)
  await sentAtLeast(4)
  answerAll(sent, 3)
  await Promise.all(answers)
  assert.deepEqual(sent[3]?.requests, ['a3'])
})

test('a bad row fails alone, and every good row beside it is done once', async () => {
  const done: string[] = []
  const { add } = setUp({
    async send(_lane, requests) {
      if (requests.includes('bad')) throw bad()
      done.push(...requests)
      return requests
    },
  })
  const good = Array.from({ length: 9 }, (_, index) => `good ${index}`)
  const answers = [...good.slice(0, 4), 'bad', ...good.slice(4)].map((request) => add(request))
  const results = await Promise.allSettled(answers)
  assert.equal(results[4]?.status, 'rejected')
  assert.equal((results[4] as PromiseRejectedResult).reason.code, 'internal')
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, good.length)
  assert.deepEqual(done.toSorted(), good)
})

test('a locked row is tried until it is free, while new requests travel past it', async () => {
  let isLocked = true
  const { add } = setUp({
    lanesMax: 2,
    keyOf: (request) => request.slice(0, 1),
    async send(_lane, requests) {
      await nextTurn()
      if (isLocked && requests.some((request) => request.startsWith('x'))) throw locked()
      return requests
    },
  })
  const waiting = Promise.allSettled([add('x1'), add('x2')])
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((request) => add(request))), ['a', 'b', 'c'])
  for (let count = 0; count < 20; count++) await add(`d${count}`)
  isLocked = false
  assert.deepEqual(await waiting, [
    { status: 'fulfilled', value: 'x1' },
    { status: 'fulfilled', value: 'x2' },
  ])
})

test('a locked row is given up when its time is over', async () => {
  const { add } = setUp({
    async send() {
      throw locked()
    },
  })
  const answer = add('x', { deadlineMs: performance.now() + 50, left: false })
  await assert.rejects(answer, { code: 'unavailable' })
})

test('what waits behind a locked row never takes every lane', async () => {
  const { add, sent, sentAtLeast } = setUp({ lanesMax: 2 })
  const stuck = [add('x'), add('y'), add('z')]
  await sentAtLeast(1)
  sent[0]?.fail(locked())
  await sentAtLeast(2)
  const free = add('a')
  await sentAtLeast(3)
  await settled()
  assert.deepEqual(requestsOf(sent), [['x', 'y', 'z'], ['x'], ['a']])
  for (let count = 2; count < 4; count++) {
    answerAll(sent, count - 1)
    await sentAtLeast(count + 1)
  }
  answerAll(sent, 3)
  await Promise.all([...stuck, free])
})

test('when a lane is lost, everybody in its batch is told, and nobody else', async () => {
  const { add, sent, sentAtLeast } = setUp()
  const lost = Promise.allSettled([add('a'), add('b')])
  await sentAtLeast(1)
  const waiting = add('c')
  const unknown = new AppError('outcome_unknown', 'lost')
  sent[0]?.fail(unknown)
  for (let round = 0; round < 3; round++) {
    await settled()
    answerAll(sent, 1)
  }
  for (const { status, reason } of (await lost) as PromiseRejectedResult[]) {
    assert.equal(status, 'rejected')
    assert.equal(reason, unknown)
  }
  assert.equal(await waiting, 'c')
  assert.deepEqual(requestsOf(sent), [['a', 'b'], ['c']])
})

test('when there is no lane to be had, everybody who waits is told at once', async () => {
  const none = new AppError('unavailable', 'no lane')
  let isDown = true
  const { add, sent, sentAtLeast } = setUp({
    keyOf: (request) => request,
    async withLane(use) {
      if (isDown) throw none
      await use(undefined)
    },
  })
  await Promise.all([add('a'), add('b')].map((answer) => assert.rejects(answer, none)))
  isDown = false
  const answer = add('a')
  await sentAtLeast(1)
  answerAll(sent)
  assert.equal(await answer, 'a')
})

test('a request that has to go again does so alone, and keeps its key', async () => {
  const { add, sent, sentAtLeast } = setUp({ keyOf: (request) => request.slice(0, 1) })
  const answers = [add('a1'), add('b1')]
  await sentAtLeast(1)
  answers.push(add('a2'))
  sent[0]?.answer([AGAIN, 'b1'])
  await sentAtLeast(2)
  await settled()
  assert.deepEqual(sent[1]?.requests, ['a1'])
  answerAll(sent, 1)
  await sentAtLeast(3)
  answerAll(sent, 2)
  assert.deepEqual(await Promise.all(answers), ['a1', 'b1', 'a2'])
})
