import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import type { OutageLog } from '../../../src/adapters/outage-log.ts'
import { createConnection } from '../../../src/adapters/redis/connection.ts'
import { AppError, OperatorFault } from '../../../src/domain/errors.ts'

const soon = { timeoutMs: 10_000 }

/** A Redis of which every attempt to connect is decided by `connect`. */
function setUp(t: TestContext, connect: (attempt: number) => Promise<void> = async () => {}) {
  const lost: ((reason: Error) => void)[] = []
  let destroyed = 0
  const told: string[] = []
  const outage: OutageLog = {
    goesOn: (reason) => void told.push(reason.message),
    over: () => void told.push('over'),
    reason: undefined,
  }
  const world = { mGet: async (): Promise<(string | null)[]> => ['there'] }
  const connection = createConnection({
    async open(onLost) {
      lost.push(onLost)
      await connect(lost.length)
      return { isCluster: false, mGet: () => world.mGet(), update: never, destroy: () => destroyed++ }
    },
    timeoutMs: 20,
    connectTimeoutMs: 100,
    outage,
  })
  t.after(() => connection.close())
  return {
    connection,
    /** One call, of which Redis's side is `mGet`. */
    call(mGet = world.mGet) {
      world.mGet = mGet
      return connection.use((client) => client.mGet(['key']))
    },
    attempts: () => lost.length,
    destroyed: () => destroyed,
    /** What the log would say. */
    told,
    lose: () => lost.at(-1)?.(new Error('reset')),
  }
}

const never = () => new Promise<never>(() => {})
const isUnavailable = (error: unknown) => error instanceof AppError && error.code === 'unavailable'

test('calls go through once there is a connection, and are refused at once before', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { connection, call } = setUp(t, () => gate.promise)
  assert.equal(connection.state, 'open')
  const started = connection.start()
  assert.equal(connection.state, 'half-open')
  await assert.rejects(call(), isUnavailable)
  gate.resolve()
  await started
  assert.equal(connection.state, 'closed')
  assert.deepEqual(await call(), ['there'])
  assert.ok((connection.latencyMs as number) >= 0)
})

test('a start waits for the first attempt alone, and for no longer than its time limit', async (t) => {
  for (const connect of [() => Promise.reject(new Error('refused')), never]) {
    const { connection } = setUp(t, connect)
    await connection.start()
    assert.notEqual(connection.state, 'closed')
  }
})

test('wrong credentials end the start with what to do; later they are an outage', async (t) => {
  const wrong = () =>
    Promise.reject(new Error('WRONGPASS invalid username-password pair or user is disabled.'))
  await assert.rejects(setUp(t, wrong).connection.start(), (error: Error) => {
    assert.ok(error instanceof OperatorFault)
    assert.match(error.message, /WRONGPASS.*REDIS_URL.*REDIS_PASSWORD/)
    return true
  })
  const later = setUp(t, async (attempt) => {
    if (attempt === 2) await wrong()
  })
  await later.connection.start()
  later.lose()
  await waitUntil('it is connected again', () => later.attempts() === 3, soon)
  await waitUntil('it is closed', () => later.connection.state === 'closed', soon)
})

test('a call without an answer is given up after its time', async (t) => {
  const { connection, call } = setUp(t)
  await connection.start()
  const startMs = performance.now()
  await assert.rejects(call(never), isUnavailable)
  assert.ok(performance.now() - startMs < 1000)
  assert.equal(connection.state, 'closed', 'one failure is no outage')
})

test('a process that was busy takes the answer that is there', async (t) => {
  const { connection, call } = setUp(t)
  await connection.start()
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const calling = call(() => promise)
  setImmediate(() => {
    const untilMs = performance.now() + 60
    while (performance.now() < untilMs);
    // As the socket's data, which comes after the timers of the same turn.
    setImmediate(() => resolve(['late']))
  })
  assert.deepEqual(await calling, ['late'])
})

test('repeated failure opens the breaker: the connection is cut and made anew', async (t) => {
  const { connection, call, destroyed, attempts } = setUp(t)
  await connection.start()
  const failing = async () => {
    throw new Error('OOM command not allowed')
  }
  for (let at = 0; at < 3; at++) await assert.rejects(call(failing), isUnavailable)
  await waitUntil('it is cut', () => destroyed() === 1, soon)
  await waitUntil('it is made anew', () => attempts() === 2 && connection.state === 'closed', soon)
  assert.deepEqual(await call(async () => ['there']), ['there'])
})

test('a connection that ends opens the breaker at once', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { connection, call, lose } = setUp(t, async (attempt) => {
    if (attempt > 1) await gate.promise
  })
  await connection.start()
  lose()
  await waitUntil('it is refused', () => connection.state !== 'closed', soon)
  await assert.rejects(call(), isUnavailable)
  gate.resolve()
  await waitUntil('it is back', () => connection.state === 'closed', soon)
})

test('an outage is over when a connection lasts, and not with each that is lost at once', async (t) => {
  const { connection, attempts, lose, told } = setUp(t)
  await connection.start()
  for (let times = 1; times <= 3; times++) {
    lose()
    await waitUntil('it is made anew', () => attempts() > times && connection.state === 'closed', soon)
  }
  assert.deepEqual(told, ['reset', 'reset', 'reset'])
  await waitUntil('it is over', () => told.includes('over'), soon)
  assert.equal(attempts(), 4)
})

test('a connection that is made too late is cut, and so is the last one at the end', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { connection, destroyed, attempts } = setUp(t, (attempt) =>
    attempt === 1 ? gate.promise : Promise.resolve(),
  )
  await connection.start()
  gate.resolve()
  await waitUntil('the late one is cut', () => destroyed() === 1, soon)
  await waitUntil('there is another one', () => attempts() === 2 && connection.state === 'closed', soon)
  await connection.close()
  assert.equal(destroyed(), 2)
})
