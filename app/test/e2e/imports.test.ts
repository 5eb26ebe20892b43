/** Uploads that are slow, cut, too many, or larger than memory; imports whose process dies. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../local/wait.ts'
import { ask } from '../support/ask.ts'
import { metricsOf, residentMib } from '../support/figures.ts'
import { createDatabase, type Database } from '../support/postgres.ts'
import { type Service, startService } from '../support/service.ts'
import { type ImportText, lineOf, openUpload } from '../support/work/upload.ts'

const soon = { timeoutMs: 30_000 }

let database: Database
before(async () => {
  database = await createDatabase()
})
after(() => database[Symbol.asyncDispose]())

async function importsOf({
  id = '',
}: {
  id?: string
} = {}): Promise<{ id: string; state: string; detail: string }[]> {
  const where = id === '' ? '' : `where id = '${id}'`
  return database.query(`select id, state, detail from imports ${where} order by created_at`) as never
}

/** The latest import, once it is in one of these states. */
async function latestIs(
  ...states: readonly string[]
): Promise<{ id: string; state: string; detail: string }> {
  return waitUntil(
    `the latest import is ${states}`,
    async () => {
      const latest = (await importsOf()).at(-1)
      return latest !== undefined && states.includes(latest.state) && latest
    },
    soon,
  )
}

async function ended(service: Service, id: string): Promise<ImportText> {
  return waitUntil(
    'the import has ended',
    async () => {
      const { body } = await ask<ImportText>(service, 'GET', `/imports/${id}`)
      return body.finishedAt !== null && body
    },
    { timeoutMs: 60_000 },
  )
}

async function isThere(service: Service, id: string): Promise<boolean> {
  return (await ask(service, 'GET', `/data/${id}`)).status === 200
}

test('an upload may take longer than a request, as long as it comes on', async () => {
  const environment = { DATABASE_URL: database.url, REQUEST_TIMEOUT_MS: '1500', HEADERS_TIMEOUT_MS: '1000' }
  await using service = await startService(environment)
  const { request, answer } = openUpload(service)
  for (let n = 0; n < 20; n++) {
    request.write(lineOf(`slow-${n}`))
    await delay(200)
  }
  request.end()
  assert.equal((await answer).status, 202)
  assert.equal((await ended(service, (await answer).body.id)).lines.applied, 20)
})

test('an upload that does not come on is given up, and nothing of it is applied', async () => {
  const environment = { DATABASE_URL: database.url, REQUEST_TIMEOUT_MS: '1000', HEADERS_TIMEOUT_MS: '1000' }
  await using service = await startService(environment)
  const { request, answer } = openUpload(service)
  request.write(lineOf('stalled').repeat(600))
  await assert.rejects(answer)
  const { detail } = await latestIs('failed')
  assert.equal(detail, 'The body broke off.')
  assert.equal(await isThere(service, 'stalled'), false)
})

test('an upload that is cut is given up at once, and nothing of it is applied', async () => {
  await using service = await startService({ DATABASE_URL: database.url })
  const { request, answer } = openUpload(service)
  request.write(lineOf('cut').repeat(1200))
  await waitUntil(
    'chunks are staged',
    async () => (await database.query('select from import_chunks')).length > 0,
    soon,
  )
  request.destroy()
  await assert.rejects(answer)
  await latestIs('failed')
  assert.equal(await isThere(service, 'cut'), false)
  assert.equal((await database.query('select from import_chunks')).length, 0)
  const inFlight = async () => (await metricsOf(service)).get('http_requests_in_flight') === 1
  await waitUntil('nothing is in flight', inFlight, soon)
})

test('more uploads than there may be are refused, and there is room again afterwards', async () => {
  await using service = await startService({ DATABASE_URL: database.url, IMPORT_UPLOADS_MAX: '1' })
  const first = openUpload(service)
  first.request.write(lineOf('first'))
  await latestIs('receiving')
  const second = openUpload(service)
  second.request.end(lineOf('second'))
  const { status, body } = await second.answer
  assert.deepEqual([status, body.code], [503, 'overloaded'])
  first.request.end()
  assert.equal((await first.answer).status, 202)
  const third = openUpload(service)
  third.request.end(lineOf('third'))
  assert.equal((await third.answer).status, 202)
})

for (const [what, lines] of [
  ['before the rest of it is looked at', 1],
  ['while it is staged', 600],
] as const) {
  test(`an upload that is canceled ${what} ends with 409, and nothing else ends with it`, async () => {
    await using service = await startService({ DATABASE_URL: database.url })
    const { request, answer } = openUpload(service)
    request.write(lineOf('canceled'))
    const { id } = await latestIs('receiving')
    assert.equal((await ask<ImportText>(service, 'DELETE', `/imports/${id}`)).body.state, 'canceled')
    request.write(lineOf('canceled').repeat(lines))
    if (lines === 1) request.end()
    const { status, body } = await answer
    assert.deepEqual([status, body.code], [409, 'conflict'])
    request.destroy()
    assert.equal(await isThere(service, 'canceled'), false)
    const inFlight = async () => (await metricsOf(service)).get('http_requests_in_flight') === 1
    await waitUntil('nothing is in flight', inFlight, soon)
  })
}

test('a stop ends uploads that do not end by themselves, with 503 or a cut, and exits with 0', async () => {
  await using service = await startService({ DATABASE_URL: database.url, DRAIN_DELAY_MS: '200' })
  const { request, answer } = openUpload(service)
  request.write(lineOf('stopped').repeat(600))
  const { id } = await latestIs('receiving')
  const exit = await service.stop()
  assert.deepEqual(exit, { code: 0, signal: null })
  await answer.then(
    ({ status }) => assert.equal(status, 503),
    () => {},
  )
  assert.notEqual((await importsOf({ id }))[0]?.state, 'succeeded')
})

test('whose process is killed again and again is applied in whole, each line once', async () => {
  const LINES = 20_000
  const KILLS = 6
  let service = await startService({ DATABASE_URL: database.url })
  const { request, answer } = openUpload(service)
  for (let n = 0; n < LINES; n++) {
    if (!request.write(lineOf(`killed-${n}`, { n }))) await once(request, 'drain')
  }
  request.end()
  const { id } = (await answer).body
  let kills = 0
  for (; kills < KILLS; kills++) {
    const state = (await importsOf({ id }))[0]?.state
    if (state === 'succeeded') break
    await service.kill()
    service = await startService({ DATABASE_URL: database.url })
    await delay(50)
  }
  await using last = service
  const { state, lines } = (await ended(last, id)) as ImportText
  assert.equal(state, 'succeeded')
  assert.equal(lines.applied, LINES)
  assert.ok(kills >= 3, `${kills} kills`)
  const [counts] = await database.query(
    `select count(*) as items, max(version) as newest from data where id like 'killed-%'`,
  )
  assert.deepEqual([Number(counts?.items), Number(counts?.newest)], [LINES, 1], 'each line once')
})

test('an import is received and applied in bounded memory', async () => {
  const LINES = 300_000
  await using service = await startService({ DATABASE_URL: database.url })
  await isThere(service, 'warm')
  const beforeMib = await residentMib(service)
  let most = beforeMib
  const { request, answer } = openUpload(service)
  const value = { name: 'an item of about a hundred bytes', tags: ['small', 'json'], active: true }
  for (let n = 0; n < LINES; n += 500) {
    const lines = Array.from({ length: 500 }, (_, at) => lineOf(`many-${n + at}`, value)).join('')
    if (!request.write(lines)) await once(request, 'drain')
    if (n % 50_000 === 0) most = Math.max(most, await residentMib(service))
  }
  request.end()
  const { id } = (await answer).body
  while ((await ask<ImportText>(service, 'GET', `/imports/${id}`)).body.finishedAt === null) {
    most = Math.max(most, await residentMib(service))
    await delay(200)
  }
  assert.equal((await ended(service, id)).lines.applied, LINES)
  assert.ok(most - beforeMib < 100, `${beforeMib} MiB, then ${most}`)
})
