import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startLoad } from '../../../local/load.ts'
import { listeningPort } from '../../../local/ports.ts'
import { waitUntil } from '../../../local/wait.ts'
import { CHECK_EVERY_MS, startBalancer } from '../support/haproxy.ts'
import { createDatabase } from '../support/postgres.ts'
import { type Environment, type Service, startService } from '../support/service.ts'

const KEEP_ALIVE_CLIENTS = 12
const NEW_CONNECTION_CLIENTS = 4
/** A client's pause between an answer and its next request. */
const PAUSE_MS = 5
const REQUESTS_MIN = 2000
/** Two failed checks, and as much again for what is on its way. */
const DRAIN_DELAY_MS = 5 * CHECK_EVERY_MS
const TIMEOUT_MS = 15_000

/** On connections that stay and on new ones; each request has to get its answer. */
function startLoads(port: number) {
  const url = `http://127.0.0.1:${port}`
  const loads = [
    startLoad(url, { clients: KEEP_ALIVE_CLIENTS, pauseMs: PAUSE_MS }),
    startLoad(url, { clients: NEW_CONNECTION_CLIENTS, pauseMs: PAUSE_MS, keepAlive: false }),
  ]
  return {
    count: () => loads.reduce((sum, { count }) => sum + count, 0),
    failures: () => loads.flatMap(({ failures }) => [...failures]),
    end: () => Promise.all(loads.map((load) => load.end())),
  }
}

async function restartUnderLoad(environment: Environment): Promise<void> {
  const ports = [await listeningPort(), await listeningPort()]
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

  const load = startLoads(balancer.port)
  const served = (more: number) => {
    const goal = load.count() + more
    const goesOn = () => load.count() >= goal || load.failures().length > 0
    return waitUntil('the load goes on', goesOn, { timeoutMs: TIMEOUT_MS })
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
  await served(Math.max(0, REQUESTS_MIN - load.count()))
  await load.end()

  assert.deepEqual(load.failures(), [])
  assert.ok(load.count() >= REQUESTS_MIN)
}

test('two instances behind a balancer are restarted one after the other, and no request fails', () =>
  restartUnderLoad({}))

test('nor does one when they share a database', async () => {
  await using database = await createDatabase()
  await restartUnderLoad({ DATABASE_URL: database.url })
})
