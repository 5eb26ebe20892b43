import { setTimeout as delay } from 'node:timers/promises'
import { ask, becomes, healthOf, serves } from '../../app/test/support/ask.ts'
import type { DatabaseServer } from '../../app/test/support/database-server.ts'
import { metricsOf } from '../../app/test/support/figures.ts'
import { type Service, startListening, startService } from '../../app/test/support/service.ts'
import { listeningPort } from '../../local/ports.ts'
import { waitUntil } from '../../local/wait.ts'
import type { Act, Scene } from '../act.ts'
import { type Ledger, startLedger } from '../ledger.ts'
import { counted, milliseconds } from '../words.ts'

const READY_MS_MAX = 3000
const REFUSED_MS_MAX = 1000
const RETURN_MS_MAX = 5000
const PER_SECOND = 200
/** The database stands still before it dies, so that writes are certainly under way: others wait behind them. */
const WAITING_WRITES = 'database_waiting_requests{kind="write"}'
const STUCK_MS_MAX = 5000

/** Tier 2: what is answered is kept, whoever dies; and nobody has to start in a certain order. */
export const persistence: Act = {
  name: 'persistence',
  tier: 2,
  title: 'PostgreSQL keeps what was acknowledged',
  why: 'Data must outlive the process. That buys a dependency, which starts late, dies and comes back: the service has to live with that by itself.',
  async play(scene) {
    const { stage, now, claim } = scene
    const database = await stage.database()
    await database.stop()
    now('the service is started, and its database is not there')
    const environment = { ...(await stage.environment(2)), PORT: String(await listeningPort()) }
    await using cleanup = new AsyncDisposableStack()
    const service = cleanup.use(await startListening(environment))
    const live = await ask(service, 'GET', '/health/live')
    const { status } = await ask(service, 'GET', '/health/ready')
    const early = await healthOf(service)
    now('the database is started')
    await database.start()
    const startedMs = performance.now()
    await service.ready()
    const readyMs = performance.now() - startedMs
    claim(
      'started before its database it is alive and not ready; then it becomes ready by itself',
      `live ${live.status}, ready ${status} (${early.status}); ready ${milliseconds(readyMs)} after the database`,
      live.status === 200 && status === 503,
      scene.within(readyMs, READY_MS_MAX),
    )

    await databaseDies(scene, service, database)

    const kept = `kept-${scene.random.below(2 ** 32)}`
    const written = await ask(service, 'PUT', `/data/${kept}`, kept)
    now('kill -9 of the service, and its next start')
    await service.kill()
    const next = cleanup.use(await startService(environment))
    const read = await ask<{ value: unknown }>(next, 'GET', `/data/${kept}`)
    claim(
      'what tier 1 has lost is there after kill -9',
      `PUT ${written.status}, kill -9, GET ${read.status}`,
      written.status === 201 && read.status === 200 && read.body.value === kept,
    )
  },
}

async function databaseDies(scene: Scene, service: Service, database: DatabaseServer): Promise<void> {
  const { recording, length, within, random, mark, claim } = scene
  const prefix = `ledger-${random.below(2 ** 32)}`
  const ledger = startLedger(recording, { url: service.url, prefix, perSecond: PER_SECOND })
  await delay(length.stretchMs / 2)
  database.freeze()
  const isStuck = async () => ((await metricsOf(service)).get(WAITING_WRITES) ?? 0) > 0
  await waitUntil('writes wait for the database', isStuck, { timeoutMs: STUCK_MS_MAX })
  mark('database killed')
  const diedMs = recording.nowMs()
  await database.crash()
  await becomes(service, 'degraded')
  const ready = await ask(service, 'GET', '/health/ready')
  const away = await ask(service, 'GET', `/data/${prefix}-0`)
  await delay(length.stretchMs / 3)
  await database.start()
  mark('database is back')
  const backMs = performance.now()
  await becomes(service, 'ok')
  await serves(service)
  const returnMs = performance.now() - backMs
  await delay(length.stretchMs / 2)
  await ledger.end()
  claim(
    'with its database away it answers 503 at once, and stays ready: its balancer keeps it',
    `GET ${away.status} in ${milliseconds(away.tookMs)}, ready ${ready.status}; ${counted(recording.between(diedMs, recording.nowMs()).refused, 'write')} refused`,
    away.status === 503 && ready.status === 200,
    within(away.tookMs, REFUSED_MS_MAX),
  )
  claim(
    'it finds its database again without a restart',
    `serves ${milliseconds(returnMs)} after the database is back`,
    within(returnMs, RETURN_MS_MAX),
  )
  await checkLedger(scene, service, ledger)
}

async function checkLedger({ claim }: Scene, service: Service, ledger: Ledger) {
  const [acknowledged, refused] = [ledger.with('acknowledged'), ledger.with('refused')]
  const [unknown, unheard] = [ledger.with('unknown'), ledger.with('unheard')]
  const found = await storedIds(service, ledger.prefix)
  const lost = acknowledged.filter((id) => !found.has(id))
  const wrong = refused.filter((id) => found.has(id))
  claim(
    'no acknowledged write is lost, and none that was refused is there',
    `${acknowledged.length} acknowledged, ${lost.length} lost; ${refused.length} refused, ${wrong.length} there`,
    acknowledged.length > 0 && refused.length > 0 && lost.length === 0 && wrong.length === 0,
  )
  claim(
    'a write that was under way is answered what is true: outcome_unknown',
    `${counted(unknown.length, 'write')}, of which ${unknown.filter((id) => found.has(id)).length} are stored; ${unheard.length} without such an answer`,
    unknown.length > 0 && unheard.length === 0,
  )
}

async function storedIds(service: Service, prefix: string): Promise<Set<string>> {
  const found = new Set<string>()
  for (let cursor = ''; ; ) {
    const path = `/data?prefix=${prefix}&limit=1000${cursor}`
    const { body } = await ask<{ items: { id: string }[]; next: string | null }>(service, 'GET', path)
    for (const { id } of body.items) found.add(id)
    if (body.next === null) return found
    cursor = `&cursor=${body.next}`
  }
}
