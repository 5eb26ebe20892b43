import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import { isAtRest, residentMib } from '../support/figures.ts'
import { type Accepted, createAccepted, parseItem } from '../support/fuzz/accepted.ts'
import { shotOf } from '../support/fuzz/grammar.ts'
import type { Shot } from '../support/fuzz/shot.ts'
import { problemOf } from '../support/problem.ts'
import { randomFrom } from '../support/random.ts'
import type { Answer } from '../support/raw-answer.ts'
import { connectRaw, type RawClient, requestBytes } from '../support/raw-client.ts'
import { type Service, startService } from '../support/service.ts'

const SHOTS = 8000
const WORKERS = 8
/** Every kind of hostility is used at least this often, or the fuzzer has gone blunt. */
const SHOTS_OF_A_KIND_MIN = 8
const KINDS_MIN = 40
const ANSWER_MS_MAX = 10_000
const MEMORY_MIB_MAX = 500

const refusals = new Set(['overloaded', 'unavailable', 'store_full'])

/** Throws when the answer is none that the service may give. */
function checkAnswer(shot: Shot, answer: Answer, accepted: Accepted): void {
  assert.ok(answer.headers.get('x-request-id'), 'no X-Request-Id')
  if (answer.status < 300) accepted.take(shot, answer)
  else if (answer.status >= 400 && shot.method !== 'HEAD') checkProblem(answer)
  else assert.ok(answer.status < 500)
}

function checkProblem(answer: Answer): void {
  const { status, code } = problemOf(answer)
  assert.ok(status < 500 || refusals.has(code), `${status} ${code}`)
}

/** Resolves to whether the connection can take the next shot. */
async function fireFramed(client: RawClient, shot: Shot, accepted: Accepted): Promise<boolean> {
  client.send(shot.bytes)
  const answer = await client.answer({ toHead: shot.method === 'HEAD', withinMs: ANSWER_MS_MAX })
  assert.ok(answer !== undefined, 'no answer')
  const closes = answer.headers.get('connection') === 'close'
  // Only what the parser refuses, which ends the connection, is answered without having been understood.
  if (!closes) assert.equal(answer.headers.get('x-request-id'), shot.requestId)
  checkAnswer(shot, answer, accepted)
  if (closes) assert.equal(await client.ended(), '')
  return !closes
}

async function fireWrecked(port: number, shot: Shot, accepted: Accepted): Promise<void> {
  using client = await connectRaw(port)
  client.send(shot.bytes)
  client.finish()
  for (;;) {
    const answer = await client.answer({ withinMs: ANSWER_MS_MAX })
    if (answer === undefined) break
    checkAnswer(shot, answer, accepted)
  }
  assert.equal(await client.ended(), '')
}

async function fireAll(
  port: number,
  shots: readonly Shot[],
  accepted: Accepted,
  seed: number,
): Promise<void> {
  let client = await connectRaw(port)
  for (const shot of shots) {
    try {
      if (!shot.isFramed) await fireWrecked(port, shot, accepted)
      else if (!(await fireFramed(client, shot, accepted))) client = await connectRaw(port)
    } catch (cause) {
      const message = JSON.stringify(shot.bytes.toString('latin1', 0, 2000))
      throw new Error(`FUZZ_SEED=${seed}, ${shot.kind}: ${(cause as Error).message}\n${message}`, { cause })
    }
  }
  client.destroy()
}

async function getJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T
}

interface Page {
  readonly items: readonly { readonly id: string; readonly version: number }[]
  readonly next: string | null
}

/** The whole store: ids and versions from the list, and each value as its own GET answers it. */
async function storedItems({ url, port }: Service): Promise<Map<string, { value: string; version: number }>> {
  const stored = new Map<string, { value: string; version: number }>()
  using client = await connectRaw(port)
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Page = await getJson(`${url}/data?limit=500${cursor && `&cursor=${cursor}`}`)
    for (const { id, version } of page.items) {
      client.send(requestBytes({ path: `/data/${id}` }))
      const item = parseItem((await client.answer())?.body.toString() ?? '')
      assert.equal(item?.version, version)
      stored.set(id, { value: item.value, version })
    }
    cursor = page.next
  }
  return stored
}

interface Changes {
  readonly changes: readonly { position: number; id: string; version: number; op: string }[]
  readonly next: string
}

/** The last change of each id, from a feed that is read from its beginning. */
async function lastChanges({ url }: Service): Promise<Map<string, { op: string; version: number }>> {
  const last = new Map<string, { op: string; version: number }>()
  let after = ''
  for (let position = 1; ; ) {
    const page: Changes = await getJson(`${url}/changes?limit=1000${after}`)
    if (page.changes.length === 0) return last
    for (const change of page.changes) {
      assert.equal(change.position, position++)
      assert.equal(change.version, (last.get(change.id)?.version ?? 0) + 1)
      last.set(change.id, { op: change.op, version: change.version })
    }
    after = `&after=${page.next}`
  }
}

test('thousands of hostile requests change nothing but what was accepted, and hurt nobody', async (t) => {
  const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 32))
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const random = randomFrom(seed)
  const shots = Array.from({ length: SHOTS }, (_, n) => shotOf(random, `w${n % WORKERS}-`, n))
  const counts = Map.groupBy(shots, ({ kind }) => kind)
  const rare = [...counts].filter(([, { length }]) => length < SHOTS_OF_A_KIND_MIN).map(([kind]) => kind)
  assert.deepEqual(rare, [])
  assert.ok(counts.size >= KINDS_MIN, `${counts.size} kinds`)

  await using service = await startService()
  const accepted = createAccepted()
  const workers = Array.from({ length: WORKERS }, (_, worker) =>
    shots.filter((_, n) => n % WORKERS === worker),
  )
  await Promise.all(workers.map((own) => fireAll(service.port, own, accepted, seed)))

  const again = `FUZZ_SEED=${seed}`
  const stored = Object.fromEntries(await storedItems(service))
  const expected = [...accepted.items].filter(([, { value }]) => value !== undefined)
  assert.deepEqual(stored, Object.fromEntries(expected), again)
  assert.ok(expected.length > 500, `only ${expected.length} items were accepted: ${again}`)
  const changes = [...accepted.items].map(([id, { value, version }]) => [
    id,
    { op: value === undefined ? 'delete' : 'put', version },
  ])
  assert.deepEqual(Object.fromEntries(await lastChanges(service)), Object.fromEntries(changes), again)

  await waitUntil('all is at rest', () => isAtRest(service), { timeoutMs: 5000 })
  assert.ok((await residentMib(service)) < MEMORY_MIB_MAX, again)
  assert.deepEqual(
    service.lines.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
    again,
  )
  assert.deepEqual(await service.stop(), { code: 0, signal: null })
})
