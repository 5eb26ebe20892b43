import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../local/wait.ts'
import {
  type Delivery,
  type Message,
  type Queue,
  type Verdict,
  VISIBILITY_MS,
} from '../../src/ports/queue.ts'

export interface QueueUnderTest {
  readonly queue: Queue
  stop(): Promise<void>
}

export const ATTEMPTS_MAX = 5

const soon = { timeoutMs: 20_000 }
const done: Verdict = { outcome: 'done' }
const again: Verdict = { outcome: 'later', delayMs: 0 }

/** What every queue promises. Each test has one of its own, with dead letters after `ATTEMPTS_MAX` attempts. */
export function queueContract(name: string, start: () => Promise<() => Promise<QueueUnderTest>>): void {
  describe(`the queue contract: ${name}`, { concurrency: true }, () => {
    let create: () => Promise<QueueUnderTest>
    before(async () => {
      create = await start()
    })

    /** A queue, and what a consumer of it has received. */
    async function receiving(judge: (delivery: Delivery) => Verdict | Promise<Verdict>, concurrency = 4) {
      const { queue, stop } = await create()
      const deliveries: (Delivery & { readonly atMs: number })[] = []
      const consumer = queue.consume(async (delivery) => {
        deliveries.push({ ...delivery, atMs: performance.now() })
        return judge(delivery)
      }, concurrency)
      return {
        queue,
        consumer,
        deliveries,
        bodies: () => deliveries.map(({ message }) => message.body),
        received: (count: number) =>
          waitUntil(`${count} deliveries`, async () => deliveries.length >= count, soon),
        async [Symbol.asyncDispose]() {
          await consumer.stop()
          await stop()
        },
      }
    }

    test('every message that was sent is delivered as it was sent', async () => {
      await using at = await receiving(() => done)
      const sent = Array.from({ length: 10 }, (): Message => {
        return {
          type: 'kind',
          body: JSON.stringify({ id: randomUUID(), text: 'ü"\\\n' }),
          traceparent: undefined,
        }
      })
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      await at.queue.send(sent)
      await at.queue.send([{ type: 'traced', body: '{}', traceparent }])
      await at.received(11)
      const byBody = (a: Message, b: Message) => (a.body < b.body ? -1 : 1)
      const received = at.deliveries.map(({ message }) => message)
      assert.deepEqual(
        received.toSorted(byBody),
        [...sent, { type: 'traced', body: '{}', traceparent }].toSorted(byBody),
      )
      for (const { attempt, attemptsMax } of at.deliveries)
        assert.deepEqual([attempt, attemptsMax], [1, ATTEMPTS_MAX])
    })

    test('what is done does not come again, and what is given back comes soon, with its attempts counted', async () => {
      await using at = await receiving(({ message, attempt }) =>
        message.body === '"again"' && attempt < 3 ? again : done,
      )
      await at.queue.send([
        { type: 'kind', body: '"done"' },
        { type: 'kind', body: '"again"' },
      ])
      await at.received(4)
      assert.deepEqual(at.bodies().toSorted(), ['"again"', '"again"', '"again"', '"done"'])
      const attempts = at.deliveries.filter(({ message }) => message.body === '"again"')
      assert.deepEqual(
        attempts.map(({ attempt }) => attempt),
        [1, 2, 3],
      )
    })

    test('what is to be done again comes soon, as if it were sent anew', async () => {
      let left = ATTEMPTS_MAX + 1
      await using at = await receiving(() => (left-- > 0 ? { outcome: 'again' } : done))
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const message = { type: 'kind', body: '{}', traceparent }
      await at.queue.send([message])
      await at.received(ATTEMPTS_MAX + 2)
      for (const delivery of at.deliveries)
        assert.deepEqual([delivery.message, delivery.attempt], [message, 1])
    })

    test('a message that is to wait comes not before its time', async () => {
      const delayMs = 2000
      await using at = await receiving(({ attempt }) =>
        attempt === 1 ? { outcome: 'later', delayMs } : done,
      )
      await at.queue.send([{ type: 'kind', body: '{}' }])
      await at.received(2)
      const [first = { atMs: 0 }, second = { atMs: 0 }] = at.deliveries
      // SQS rounds to seconds.
      assert.ok(second.atMs - first.atMs > delayMs - 100, `${second.atMs - first.atMs} ms`)
    })

    test('what is given up comes no more, and is shown with its reason until it is given back', async () => {
      let isMended = false
      await using at = await receiving(({ message }) =>
        message.body === '"good"' || isMended ? done : { outcome: 'dead', reason: 'It has a fault.\n\u0001' },
      )
      await at.queue.send([
        { type: 'kind', body: '"bad 1"', traceparent: undefined },
        { type: 'kind', body: '"bad 2"' },
        { type: 'kind', body: '"good"' },
      ])
      const { deadLetters } = at.queue
      const letters = await waitUntil(
        'two dead letters',
        async () => {
          const found = await deadLetters.list(10)
          return found.length === 2 && found
        },
        soon,
      )
      assert.equal(at.deliveries.length, 3)
      const bodies = letters.map(({ message }) => message.body)
      assert.deepEqual(bodies.toSorted(), ['"bad 1"', '"bad 2"'])
      for (const { message, reason, attempts, sentAtMs } of letters) {
        assert.equal(message.type, 'kind')
        assert.match(String(reason), /^It has a fault\./)
        assert.equal(attempts, 1)
        assert.ok(Math.abs(Date.now() - sentAtMs) < 60_000)
      }

      isMended = true
      assert.equal(await deadLetters.giveBack(['no such id']), 0)
      const [chosen] = letters
      // A letter that somebody has just looked at may be out of sight for a moment.
      await waitUntil(
        'one is given back',
        async () => (await deadLetters.giveBack([String(chosen?.id)])) === 1,
        soon,
      )
      await at.received(4)
      assert.equal(at.deliveries.at(-1)?.message.body, chosen?.message.body)
      assert.equal(at.deliveries.at(-1)?.attempt, 1)
      await waitUntil('the other one too', async () => (await deadLetters.giveBack('all')) === 1, soon)
      await at.received(5)
      assert.deepEqual(await deadLetters.list(10), [])
    })

    test('a message that takes long holds no other up, and no more are worked on at one time than may be', async () => {
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      let [working, most] = [0, 0]
      await using at = await receiving(async ({ message }) => {
        most = Math.max(most, ++working)
        if (message.body === '"slow"') await released
        else await delay(10)
        working--
        return done
      }, 2)
      await at.queue.send([{ type: 'kind', body: '"slow"' }])
      await at.received(1)
      for (let n = 0; n < 4; n++) {
        await at.queue.send(
          Array.from({ length: 5 }, (_, at) => ({ type: 'kind', body: String(n * 5 + at) })),
        )
      }
      await at.received(21)
      release()
      assert.equal(most, 2)
    })

    test('of several who take messages each message is one’s', async () => {
      await using at = await receiving(() => delay(20, done))
      const others = [1, 2].map(() =>
        at.queue.consume(async (delivery) => {
          at.deliveries.push({ ...delivery, atMs: performance.now() })
          return delay(20, done)
        }, 4),
      )
      const bodies = Array.from({ length: 50 }, (_, n) => String(n))
      for (let n = 0; n < 50; n += 10) {
        await at.queue.send(bodies.slice(n, n + 10).map((body) => ({ type: 'kind', body })))
      }
      await at.received(50)
      await Promise.all(others.map((other) => other.stop()))
      await at.consumer.stop()
      assert.deepEqual(at.bodies().toSorted(), bodies.toSorted())
    })

    test('a message that is worked on is nobody else’s, however long it takes', async () => {
      const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
      await using at = await receiving(async () => {
        await delay(VISIBILITY_MS + 1500)
        finish()
        return done
      })
      await at.queue.send([{ type: 'kind', body: '{}' }])
      await finished
      await at.consumer.stop()
      assert.equal(at.deliveries.length, 1)
    })

    test('who stops takes no more, and tells what becomes of what was taken', async () => {
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      await using at = await receiving(async () => {
        await released
        return again
      }, 1)
      await at.queue.send([{ type: 'kind', body: '"taken"' }])
      await at.received(1)
      let hasStopped = false
      const stopped = at.consumer.stop().then(() => {
        hasStopped = true
      })
      await at.queue.send([{ type: 'kind', body: '"left"' }])
      const rest: string[] = []
      const takeOver = () =>
        at.queue.consume(async ({ message }) => {
          rest.push(message.body)
          return done
        }, 2)
      const next = takeOver()
      await waitUntil('what comes now is taken by the next one', () => rest.length === 1, soon)
      await next.stop()
      assert.equal(hasStopped, false, 'it waits for what was taken')
      await at.queue.send([{ type: 'kind', body: '"left too"' }])
      release()
      await stopped
      assert.equal(at.deliveries.length, 1)
      const last = takeOver()
      await waitUntil('so is all that is left', () => rest.length === 3, soon)
      await last.stop()
      assert.deepEqual(rest.toSorted(), ['"left too"', '"left"', '"taken"'])
    })
  })
}
