/** A worker starts before what it needs: it waits, says what for, and works when all is there. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, becomes, healthOf } from '../../support/ask.ts'
import { startDatabaseServer } from '../../support/postgres.ts'
import { runService, startListening, startService } from '../../support/service.ts'
import { type SqsServer, startSqsServer } from '../../support/sqs.ts'
import { openSite } from '../../support/work/site.ts'
import { acceptedImport, bodyOf, succeeds } from '../../support/work/upload.ts'

const soon = { timeoutMs: 15_000 }

let sqs: SqsServer
before(async () => {
  sqs = await startSqsServer()
})
after(() => sqs[Symbol.asyncDispose]())

test('a worker that starts before its database and its queue becomes ready with them, and works', async () => {
  await using server = await startDatabaseServer()
  await server.stop()
  const queue = await sqs.createQueue()
  await sqs.kill()
  const environment = { DATABASE_URL: server.url(), ...queue.environment() }
  await using worker = await startListening({ ...environment, ROLE: 'worker' })
  assert.equal((await ask(worker, 'GET', '/health/live')).status, 200)
  for (const path of ['/health', '/health/ready']) assert.equal((await ask(worker, 'GET', path)).status, 503)
  await server.start()
  assert.equal((await runService({ ROLE: 'migrate', DATABASE_URL: server.url() })).code, 0)
  await worker.ready()
  assert.equal((await healthOf(worker)).status, 'degraded')
  await sqs.start()
  await becomes(worker, 'ok')
  await using api = await startService({ ...environment, ROLE: 'api' })
  await succeeds(api, await acceptedImport(api, bodyOf('early', 3)))
})

test('a worker whose queue is missing says so, and works once it is made', async () => {
  await using site = await openSite(sqs)
  const QUEUE_URL = `${site.environment.QUEUE_URL}-missing`
  const worker = await site.start('worker', { QUEUE_URL })
  await becomes(worker, 'degraded')
  const { queue } = (await healthOf(worker)).dependencies
  assert.deepEqual([queue?.state, queue?.detail], ['unavailable', 'the queue does not exist'])
  const said = () => worker.lines.some(({ level, msg }) => level === 'warn' && /queue/.test(msg))
  await waitUntil('the log says it', said, soon)

  const migration = { ...site.environment, QUEUE_URL, ROLE: 'migrate', QUEUE_CREATE: 'true' }
  for (const time of ['first', 'second']) {
    const { code, stderr } = await runService(migration)
    assert.equal(code, 0, `${time}: ${stderr}`)
  }
  await becomes(worker, 'ok')
  const api = await site.start('api', { QUEUE_URL })
  await succeeds(api, await acceptedImport(api, bodyOf('made', 3)))
})
