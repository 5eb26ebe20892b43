/** What the emulator or the way to it can be made to do wrong. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import type { Queue } from '../../../src/ports/queue.ts'
import { type SqsServer, startSqsServer } from '../../support/sqs.ts'
import { lookForSqsQueue, makeSqsQueue, startSqsQueue } from '../../support/sqs-queue.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

const soon = { timeoutMs: 30_000 }
/** Nobody who tries again at once leaves such a pause; who waits for longer and longer soon does. */
const PAUSE_MS = 500

let server: SqsServer
before(async () => {
  server = await startSqsServer()
})
after(() => server[Symbol.asyncDispose]())

interface Reached extends AsyncDisposable {
  readonly queue: Queue
  readonly proxy: TcpProxy
  /** What a consumer, which takes everything, has received. */
  readonly bodies: string[]
}

/** A queue that is reached through a proxy, and is consumed. */
async function reached(): Promise<Reached> {
  const proxy = await startTcpProxy(server.port)
  const { environment } = await server.createQueue()
  const queue = await startSqsQueue({ ...environment(proxy), QUEUE_TIMEOUT_MS: '300' })
  const bodies: string[] = []
  const consumer = queue.consume(async ({ message }) => {
    bodies.push(message.body)
    return { outcome: 'done' }
  }, 2)
  return {
    queue,
    proxy,
    bodies,
    async [Symbol.asyncDispose]() {
      await consumer.stop()
      queue.close()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

const message = (body: string) => [{ type: 'kind', body }]
const isAway =
  ({ queue }: Reached) =>
  async () =>
    queue.status().state === 'unavailable'

/** Resolves when the queue is told to be there, takes messages and gives them to its consumer. */
async function isFound({ queue, bodies }: Reached): Promise<void> {
  await waitUntil('it is back', () => queue.status().state === 'ok', soon)
  // On a busy machine a request may take longer than it may here.
  const isSent = () =>
    queue.send(message('"after"')).then(
      () => true,
      () => false,
    )
  await waitUntil('it takes messages', isSent, soon)
  await waitUntil('messages come again', () => bodies.includes('"after"'), soon)
}

test('a queue that swallows what it is sent is told within the deadline, and found again', async () => {
  await using at = await reached()
  at.proxy.hold('requests', 'answers')
  const startMs = performance.now()
  await assert.rejects(at.queue.send(message('"lost"')))
  const tookMs = performance.now() - startMs
  assert.ok(tookMs < 2000, `${tookMs} ms`)
  await waitUntil('it is known to be away', isAway(at), soon)
  assert.equal(at.queue.status().detail, 'the queue cannot be reached')
  at.proxy.cut()
  at.proxy.pass()
  await isFound(at)
})

test('a queue that refuses connections is asked less and less often, and found again', async () => {
  await using at = await reached()
  const nowhere = await startTcpProxy(1)
  const free = nowhere.port
  await nowhere[Symbol.asyncDispose]()
  at.proxy.aim(free)
  at.proxy.cut()
  await waitUntil('it is known to be away', isAway(at), soon)
  let [asked, sinceMs] = [at.proxy.taken, performance.now()]
  const isLeftAlone = () => {
    if (at.proxy.taken !== asked) [asked, sinceMs] = [at.proxy.taken, performance.now()]
    return performance.now() - sinceMs > PAUSE_MS
  }
  // By two pollers and by who looks after the queue.
  await waitUntil('nobody asks for a while', isLeftAlone, soon)
  at.proxy.aim(server.port)
  await isFound(at)
})

test('a queue that is not there is told, and found when it is made, with a dead-letter queue', async () => {
  const { environment } = await server.createQueue()
  const variables = { ...environment(), QUEUE_URL: `${environment().QUEUE_URL}-new`, QUEUE_RECEIVES_MAX: '2' }
  const queue = lookForSqsQueue(variables)
  await waitUntil('it is known to be away', async () => queue.status().state === 'unavailable', soon)
  assert.equal(queue.status().detail, 'the queue does not exist')
  await makeSqsQueue(variables)
  await makeSqsQueue(variables)
  await waitUntil('it is there', async () => queue.status().state === 'ok', soon)
  await queue.send(message('{}'))
  const attempts: number[][] = []
  const consumer = queue.consume(async ({ attempt, attemptsMax }) => {
    attempts.push([attempt, attemptsMax])
    return attempt < attemptsMax ? { outcome: 'later', delayMs: 0 } : { outcome: 'dead', reason: 'x' }
  }, 1)
  await waitUntil('it is given up', async () => (await queue.deadLetters.list(1)).length === 1, soon)
  await consumer.stop()
  queue.close()
  assert.deepEqual(attempts, [
    [1, 2],
    [2, 2],
  ])
})
