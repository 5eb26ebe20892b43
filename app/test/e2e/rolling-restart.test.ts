import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../../local/ports.ts'
import { waitUntil } from '../../../local/wait.ts'
import { CHECK_EVERY_MS, startBalancer } from '../support/haproxy.ts'
import { createDatabase } from '../support/postgres.ts'
import { connectRaw, type RawClient, requestBytes } from '../support/raw-client.ts'
import { type Environment, type Service, startService } from '../support/service.ts'

const KEEP_ALIVE_CLIENTS = 12
const NEW_CONNECTION_CLIENTS = 4
/** A client's pause between an answer and its next request. */
const PAUSE_MS = 5
const REQUESTS_MIN = 2000
/** Two failed checks, and as much again for what is on its way. */
const DRAIN_DELAY_MS = 5 * CHECK_EVERY_MS
const TIMEOUT_MS = 15_000

interface Load {
  /** Good answers so far. */
  readonly count: number
  readonly failures: readonly string[]
  end(): Promise<void>
}

/** GETs and PUTs that any fresh instance answers with 2xx, on connections that stay and on new ones. */
function startLoad(port: number): Load {
  let count = 0
  let goesOn = true
  const failures: string[] = []

  async function ask(client: RawClient, n: number): Promise<void> {
    const request =
      n % 2 === 0
        ? requestBytes({ path: '/data/1' })
        : requestBytes({ method: 'PUT', path: `/data/load-${n % 100}`, body: JSON.stringify({ n }) })
    client.send(request)
    const answer = await client.answer()
    if (answer === undefined) failures.push(`request ${n}: the connection ended`)
    else if (answer.status >= 300) failures.push(`request ${n}: ${answer.status} ${answer.body}`)
    else count++
  }

  async function stayingClient(): Promise<void> {
    let client = await connectRaw(port)
    for (let n = 0; goesOn; n++) {
      await ask(client, n)
      if (client.hasEnded) client = await connectRaw(port)
      await delay(PAUSE_MS)
    }
    client.destroy()
  }

  async function newcomer(): Promise<void> {
    for (let n = 0; goesOn; n++) {
      using client = await connectRaw(port)
      await ask(client, n)
      await delay(PAUSE_MS)
    }
  }

  const clients = [
    ...Array.from({ length: KEEP_ALIVE_CLIENTS }, stayingClient),
    ...Array.from({ length: NEW_CONNECTION_CLIENTS }, newcomer),
  ]
  const all = Promise.all(clients)
  all.catch((error: unknown) => failures.push(String(error)))
  return {
    get count() {
      return count
    },
    failures,
    async end() {
      goesOn = false
      await all
    },
  }
}

async function restartUnderLoad(environment: Environment): Promise<void> {
  const ports = [await freePort(), await freePort()]
  const start = (port: number) =>
    startService({
      ...environment,
      PORT: String(port),
      SEED_DATA: 'true',
      DRAIN_DELAY_MS: String(DRAIN_DELAY_MS),
    })
  const instances = new Map<number, Service>()
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(
    async () => void (await Promise.all([...instances.values()].map((instance) => instance.kill()))),
  )
  for (const port of ports) instances.set(port, await start(port))
  const balancer = cleanup.use(await startBalancer(ports))
  await balancer.allUp(TIMEOUT_MS)

  const load = startLoad(balancer.port)
  const served = (more: number) => {
    const goal = load.count + more
    return waitUntil('the load goes on', () => load.count >= goal || load.failures.length > 0, {
      timeoutMs: TIMEOUT_MS,
    })
  }
  await served(300)
  for (const port of ports) {
    const exit = await instances.get(port)?.stop()
    assert.deepEqual(exit, { code: 0, signal: null })
    await served(300)
    instances.set(port, await start(port))
    await balancer.allUp(TIMEOUT_MS)
    await served(300)
  }
  await served(Math.max(0, REQUESTS_MIN - load.count))
  await load.end()

  assert.deepEqual(load.failures, [])
  assert.ok(load.count >= REQUESTS_MIN)
}

test('two instances behind a balancer are restarted one after the other, and no request fails', () =>
  restartUnderLoad({}))

test('nor does one when they share a database', async () => {
  await using database = await createDatabase()
  await restartUnderLoad({ DATABASE_URL: database.url })
})
