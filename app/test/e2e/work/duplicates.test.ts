/**
 * Promise 5, while workers are killed and stand still and every message is delivered again and again. `TEST_SEED` brings
 * a run's imports and faults back, though not its timing; `DUPLICATES_ROUNDS` (2) is how many faults each worker has.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import { type Random, randomFrom, seedOf } from '../../support/random.ts'
import type { Service } from '../../support/service.ts'
import { type SqsServer, startSqsServer } from '../../support/sqs.ts'
import { readFeed } from '../../support/work/feed.ts'
import { type Plan, planImport, violationsOf } from '../../support/work/plan.ts'
import { startPostman } from '../../support/work/postman.ts'
import { openSite, type Site } from '../../support/work/site.ts'
import { slowDown } from '../../support/work/triggers.ts'
import { importOf, openUpload, succeeds } from '../../support/work/upload.ts'

const ROUNDS = Number(process.env.DUPLICATES_ROUNDS ?? 2)
const WORKERS = 2
const CLIENTS = 3
const LINES_MAX = 2500
const CHUNK_MS = 20
const PIECES = 5
const FREEZE_MS_MAX = 3000
const REST_MS_MAX = 300
/** Each fault may cost the message under way an attempt. */
const RECEIVES_MAX = 5 + 2 * ROUNDS * WORKERS
const soon = { timeoutMs: 60_000 }

/** Less is no evidence. */
const IMPORTS_MIN = 5 * ROUNDS
const LINES_MIN = 5000 * ROUNDS
const MESSAGES_MIN = { receiving: 5, queued: 5, running: 5, succeeded: 20 }

let sqs: SqsServer
before(async () => {
  sqs = await startSqsServer()
})
after(() => sqs[Symbol.asyncDispose]())

/** Sends a body piece by piece, so that messages can be too early. Resolves to the import's id. */
async function send(api: Service, { lines }: Plan, random: Random): Promise<string> {
  const { request, answer } = openUpload(api)
  const pieceLines = Math.ceil(lines.length / PIECES)
  for (let from = 0; from < lines.length; from += pieceLines) {
    request.write(lines.slice(from, from + pieceLines).join(''))
    await delay(random.below(50))
  }
  request.end()
  const { status, body } = await answer
  assert.equal(status, 202, JSON.stringify(body))
  return body.id
}

/** Kills workers, or lets them stand still, one after the other. */
async function disturb(site: Site, random: Random): Promise<{ kills: number; freezes: number }> {
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => site.start('worker')))
  const faults = { kills: 0, freezes: 0 }
  for (let at = 0; at < ROUNDS * WORKERS; at++) {
    await delay(random.below(REST_MS_MAX))
    const worker = workers[at % WORKERS] as Service
    if ((at + Math.floor(at / WORKERS)) % 2 === 0) {
      await worker.kill()
      workers[at % WORKERS] = await site.start('worker')
      faults.kills++
    } else {
      worker.signal('SIGSTOP')
      await delay(random.below(FREEZE_MS_MAX))
      worker.signal('SIGCONT')
      faults.freezes++
    }
  }
  return faults
}

/** What there is in the end of the imports that were accepted, against what has to be. */
async function violations({ database }: Site, api: Service, accepted: ReadonlyMap<string, Plan>) {
  const rows = await database.query('select id, value from data')
  const values = new Map(rows.map(({ id, value }) => [id, JSON.parse(value)]))
  const changes = await readFeed(api)
  const versions = new Map<string, number[]>()
  for (const { id, version } of changes) versions.getOrInsertComputed(id, () => []).push(version)
  const found: string[] = []
  let planned = 0
  for (const [id, plan] of accepted) {
    found.push(...violationsOf(plan, { text: await importOf(api, id), versions, values }))
    for (const item of plan.items.values()) planned += item.versions
  }
  if (changes.length !== planned) found.push(`${changes.length} changes instead of ${planned}`)
  return found
}

async function isEmpty({ queue }: Site): Promise<boolean> {
  const { visible, inFlight } = await queue.size()
  return visible + inFlight === 0
}

test('each line of every import takes effect exactly once, and each error is listed once', async (t) => {
  const seed = seedOf(t)
  await using site = await openSite(sqs, { receivesMax: RECEIVES_MAX })
  await slowDown(site.database, CHUNK_MS)
  const api = await site.start('api')
  await using postman = startPostman(site, randomFrom(seed))
  const accepted = new Map<string, Plan>()
  let lines = 0
  let areDisturbed = true
  async function client(random: Random, name: string): Promise<void> {
    for (let n = 0; areDisturbed || accepted.size < IMPORTS_MIN || lines < LINES_MIN; n++) {
      const plan = planImport(random, `${name}-${n}`, 1 + random.below(LINES_MAX))
      const id = await send(api, plan, random)
      accepted.set(id, plan)
      lines += plan.lines.length
      await succeeds(api, id, soon)
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, n) => client(randomFrom(seed + 2 + n), `c${n}`))
  const disturbing = disturb(site, randomFrom(seed + 1)).finally(() => {
    areDisturbed = false
  })
  const [faults] = await Promise.all([disturbing, ...clients])
  await postman.end()
  await postman.round()
  await waitUntil('every message is done', () => isEmpty(site), soon)

  const sent = Object.fromEntries(postman.sent)
  t.diagnostic(
    `${accepted.size} imports of ${lines} lines, messages ${JSON.stringify(sent)}, ${JSON.stringify(faults)}`,
  )
  const found = await violations(site, api, accepted)
  assert.deepEqual(found.slice(0, 10), [], `TEST_SEED=${seed}: ${found.length} violations`)
  assert.equal((await site.queue.size()).dead, 0)
  assert.ok(faults.kills >= ROUNDS && faults.freezes >= ROUNDS)
  for (const [state, count] of Object.entries(MESSAGES_MIN)) {
    assert.ok((sent[state] ?? 0) >= count, `too few messages of imports that are ${state}`)
  }
})
