import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { waitUntil } from '../../../local/wait.ts'
import { createMemoryQueue } from '../../src/adapters/memory/memory-queue.ts'
import { AppError } from '../../src/domain/errors.ts'
import { createLog } from '../../src/log.ts'
import { systemClock } from '../../src/ports/clock.ts'
import type { Judge } from '../../src/ports/queue.ts'
import { type Attempt, type Handler, Hopeless, type Result, retryDelayMs } from '../../src/worker/handler.ts'
import { createWorker } from '../../src/worker/worker.ts'
import { createWorkerMetrics } from '../../src/worker/worker-metrics.ts'

const soon = { timeoutMs: 10_000 }
const ATTEMPTS_MAX = 3
const { log } = createLog('silent')

/** A worker of a queue in memory, with one handler, for messages of the type `kind`. */
function working(handle: (attempt: Attempt, count: number) => Promise<Result> | Result) {
  const queue = createMemoryQueue({ clock: systemClock, attemptsMax: ATTEMPTS_MAX })
  const registry = new Registry()
  const bodies: string[] = []
  const handler: Handler = {
    type: 'kind',
    retry: { baseMs: 10, maxMs: 100 },
    async handle(attempt) {
      bodies.push(attempt.body)
      return handle(attempt, bodies.length)
    },
  }
  const metrics = createWorkerMetrics(registry)
  const worker = createWorker({ queue, handlers: [handler], concurrency: 2, metrics, log })
  worker.start()
  return {
    queue,
    worker,
    bodies,
    send: (body: string, type = 'kind') => queue.send([{ type, body }]),
    /** What became of the messages, by type and outcome, once there are so many. */
    outcomes: (count: number) =>
      waitUntil(
        `${count} outcomes`,
        async () => {
          const { values = [] } = (await registry.getSingleMetric('worker_messages_total')?.get()) ?? {}
          const all = values.map(({ labels, value }) => [labels.type, labels.outcome, value] as const)
          return all.reduce((sum, [, , value]) => sum + value, 0) >= count && all
        },
        soon,
      ),
    [Symbol.asyncDispose]: () => worker.stop(),
  }
}

test('a message goes to the handler of its type', async () => {
  await using at = working(() => 'done')
  await at.send('{"n":1}')
  assert.deepEqual(await at.outcomes(1), [['kind', 'done', 1]])
  assert.deepEqual(at.bodies, ['{"n":1}'])
})

test('a message of an unknown type is given up at once, with the reason', async () => {
  await using at = working(() => 'done')
  await at.send('{}', 'strange')
  assert.deepEqual(await at.outcomes(1), [['unknown', 'dead', 1]])
  const [letter] = await at.queue.deadLetters.list(10)
  assert.match(String(letter?.reason), /no handler for messages of the type strange/)
  assert.deepEqual(at.bodies, [])
})

test('a message that fails is tried again until its attempts are over, then given up with the reason', async () => {
  await using at = working(() => {
    throw new Error('the reason')
  })
  await at.send('{}')
  assert.deepEqual(await at.outcomes(ATTEMPTS_MAX), [
    ['kind', 'retried', ATTEMPTS_MAX - 1],
    ['kind', 'dead', 1],
  ])
  const [letter] = await at.queue.deadLetters.list(10)
  assert.deepEqual([letter?.reason, letter?.attempts], ['the reason', ATTEMPTS_MAX])
})

test('a message at which all have died who tried is given up before anybody tries again', async () => {
  let isTried = false
  const handler: Handler = {
    ...{ type: 'kind', retry: { baseMs: 10, maxMs: 100 } },
    async handle() {
      isTried = true
      return 'done'
    },
  }
  const { promise: judge, resolve } = Promise.withResolvers<Judge>()
  const queue = {
    consume(judge: Judge) {
      resolve(judge)
      return { async stop() {} }
    },
  }
  const metrics = createWorkerMetrics(new Registry())
  createWorker({ queue, handlers: [handler], concurrency: 1, metrics, log }).start()
  const delivery = { id: '1', message: { type: 'kind', body: '{}' }, attemptsMax: ATTEMPTS_MAX }
  const verdict = await (await judge)({ ...delivery, attempt: ATTEMPTS_MAX + 1 })
  assert.equal(verdict.outcome, 'dead')
  assert.ok(!isTried)
  assert.equal((await (await judge)({ ...delivery, attempt: ATTEMPTS_MAX })).outcome, 'done')
})

test('a message that can never succeed is not tried again', async () => {
  await using at = working(() => {
    throw new Hopeless('Expected something else.')
  })
  await at.send('{}')
  assert.deepEqual(await at.outcomes(1), [['kind', 'dead', 1]])
  assert.equal((await at.queue.deadLetters.list(10))[0]?.reason, 'Expected something else.')
})

test('that the store is away is not counted against a message', async () => {
  await using at = working((_attempt, count) => {
    if (count === 1) throw new AppError('unavailable', 'away')
    if (count < 6) throw new AppError('outcome_unknown', 'away')
    return 'done'
  })
  await at.send('{}')
  assert.deepEqual(await at.outcomes(1), [['kind', 'done', 1]])
  assert.equal(at.bodies.length, 6)
})

test('a stop has what is under way given back, and it is there for the next one at once', async () => {
  await using at = working(async ({ stopping }): Promise<Result> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    stopping.addEventListener('abort', () => resolve())
    await promise
    return 'left'
  })
  await at.send('{}')
  await waitUntil('it is worked on', async () => at.bodies.length === 1, soon)
  await at.worker.stop()
  assert.deepEqual(await at.outcomes(1), [['kind', 'returned', 1]])
  const { promise: next, resolve } = Promise.withResolvers<string>()
  const consumer = at.queue.consume(async ({ message }) => {
    resolve(message.body)
    return { outcome: 'done' }
  }, 1)
  assert.equal(await next, '{}')
  await consumer.stop()
})

test('a stop does not wait for a store that is away', async () => {
  await using at = working(() => {
    throw new AppError('unavailable', 'away')
  })
  await at.send('{}')
  await waitUntil('it is tried again', async () => at.bodies.length > 1, soon)
  await at.worker.stop()
  assert.deepEqual(await at.outcomes(1), [['kind', 'returned', 1]])
})

test('attempts are further and further apart, up to a limit, and not all at the same time', () => {
  const delays = (attempt: number) =>
    Array.from({ length: 200 }, () => retryDelayMs(attempt, { baseMs: 1000, maxMs: 60_000 }))
  for (const [attempt, wholeMs] of [
    [1, 1000],
    [2, 2000],
    [5, 16_000],
    [7, 60_000],
    [50, 60_000],
  ] as const) {
    const all = delays(attempt)
    assert.ok(Math.min(...all) >= wholeMs / 2 && Math.max(...all) <= wholeMs)
    assert.ok(Math.max(...all) - Math.min(...all) > wholeMs / 4, 'spread')
  }
})
