import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import { sendSignal } from '../processes.ts'
import { startSqs } from '../sqs.ts'
import { waitForHttp, waitUntil } from '../wait.ts'
import {
  childrenOf,
  dependencies,
  LAUNCHER,
  onMadeData,
  READY,
  START,
  serviceOf,
  start,
  startReady,
  temporaryFolder,
  told,
} from './launcher.ts'

const FINISHED = { timeoutMs: 30_000 }
const EMULATOR = /sqs-emulator/

/** Resolves to where the import is told about. */
async function importLine(url: string, id: string): Promise<string> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const body = `{"id":"${id}","value":1}\n`
  const answer = await fetch(`${url}/imports`, { method: 'POST', headers, body })
  assert.equal(answer.status, 202)
  return `/imports/${((await answer.json()) as { id: string }).id}`
}

async function stateOf(url: string, path: string): Promise<string> {
  return JSON.parse(await waitForHttp(url + path, READY)).state
}

function succeeds(url: string, path: string): Promise<unknown> {
  return waitUntil('the import succeeds', async () => (await stateOf(url, path)) === 'succeeded', FINISHED)
}

/** How many messages a process of the service has worked on to their end. */
async function done(url: string): Promise<number> {
  const [, count] = /^worker_messages_total\{type="import",outcome="done"\} (\d+)$/m.exec(
    await waitForHttp(`${url}/metrics`, READY),
  ) ?? [undefined, '0']
  return Number(count)
}

/** How many messages wait in the emulator of a launcher. */
async function waiting(dataDir: string): Promise<number> {
  const { AWS_ENDPOINT_URL_SQS = '', QUEUE_URL } = parseEnv(readFileSync(join(dataDir, 'queue.env'), 'utf8'))
  const answer = await fetch(AWS_ENDPOINT_URL_SQS, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AmazonSQS.GetQueueAttributes',
    },
    body: JSON.stringify({ QueueUrl: QUEUE_URL, AttributeNames: ['ApproximateNumberOfMessages'] }),
  })
  const { Attributes } = (await answer.json()) as { Attributes: Record<string, string> }
  return Number(Attributes.ApproximateNumberOfMessages)
}

test('an import is done by the worker, and a stop in order has nothing else to say', async (t) => {
  const launcher = await startReady(t, LAUNCHER)
  assert.equal((await dependencies(launcher.url)).queue?.state, 'ok')
  await succeeds(launcher.url, await importLine(launcher.url, 'a'))
  const worker = await serviceOf(await told(launcher, 'worker'))
  assert.equal(await done(worker.url), 1)
  assert.equal(await done(launcher.url), 0)
  const saidBefore = launcher.output.length
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exited, { code: 0, signal: null })
  assert.deepEqual(launcher.output.slice(saidBefore), ['stopping', 'stopped'])
  await launcher.nothingLeft()
})

test('as many workers as wanted, each with a log of its own', async (t) => {
  const launcher = await startReady(t, [...onMadeData(t), '--workers', '2'])
  await told(launcher, 'redrive')
  const logs = launcher.output.flatMap((line) => /^ {2}worker +(\S+)$/.exec(line)?.[1] ?? [])
  const workers = await Promise.all(logs.map((log) => serviceOf(log)))
  assert.equal(new Set(workers.map(({ pid }) => pid)).size, 2)
  for (const { url } of workers) assert.equal(JSON.parse(await waitForHttp(`${url}/health`, READY)).tier, 4)
  await succeeds(launcher.url, await importLine(launcher.url, 'a'))
})

test('work that is put off is done after kill -9 and a start from the same data', async (t) => {
  const dataDir = temporaryFolder(t)
  const command = [...START, '--data-dir', dataDir]
  const first = await startReady(t, [...command, '--workers', '0'])
  const path = await importLine(first.url, 'a')
  await waitUntil('the message is in the queue', async () => (await waiting(dataDir)) === 1, FINISHED)
  assert.equal(await stateOf(first.url, path), 'queued')
  first.signal('SIGKILL')
  const second = await startReady(t, command)
  await succeeds(second.url, path)
  assert((await fetch(`${second.url}/data/a`)).ok)
})

test('a worker that dies is started again after a pause that grows, and nothing else is', async (t) => {
  const launcher = await startReady(t, [...LAUNCHER, '--workers', '2'])
  const [, second] = await Promise.all(
    [1, 2].map((n) => launcher.line(new RegExp(`/worker-${n}\\.log$`), READY)),
  )
  const log = second?.split(/ +/).at(-1) ?? ''
  for (const [starts, pause] of [
    [1, '0.5'],
    [2, '1'],
  ] as const) {
    process.kill((await serviceOf(log, starts)).pid, 'SIGKILL')
    const told = `Worker 2 has ended by itself (SIGKILL): starting it again in ${pause} s`
    await launcher.line(new RegExp(`^${RegExp.escape(told)}$`), READY)
  }
  const { url } = await serviceOf(log, 3)
  await waitForHttp(`${url}/health`, READY)
  await succeeds(launcher.url, await importLine(launcher.url, 'a'))
  assert.doesNotMatch(launcher.output.join('\n'), /(API|Worker 1) has ended/)
})

for (const { signal, how } of [
  { signal: 'SIGKILL', how: 'SIGKILL' },
  { signal: 'SIGTERM', how: 'exit code 0' },
] as const) {
  test(`the system goes on without its queue after ${signal}, and imports wait`, async (t) => {
    const launcher = await startReady(t, LAUNCHER)
    const [emulator] = childrenOf(launcher.pid, EMULATOR)
    sendSignal(emulator as number, signal)
    const line = await launcher.line(/^The emulator/, READY)
    assert.equal(line, `The emulator of SQS has ended by itself (${how}): going on, and imports wait`)
    assert((await fetch(`${launcher.url}/data/1`)).ok)
    assert.equal(await stateOf(launcher.url, await importLine(launcher.url, 'a')), 'queued')
    launcher.signal('SIGTERM')
    assert.equal((await launcher.exited).code, 0)
    await launcher.nothingLeft()
  })
}

test("the user's own queue is used, and no emulator started", async (t) => {
  const sqs = await startSqs()
  t.after(() => sqs.stop())
  const dataDir = temporaryFolder(t)
  const variables = { ...sqs.variables('own'), QUEUE_CREATE: 'true' }
  const launcher = await startReady(t, [...START, '--data-dir', dataDir], variables)
  await succeeds(launcher.url, await importLine(launcher.url, 'a'))
  assert.deepEqual(childrenOf(launcher.pid, EMULATOR), [])
  assert.equal(existsSync(join(dataDir, 'sqs')), false)
  assert.equal(existsSync(join(dataDir, 'queue.env')), false)
})

test('with ROLE there is one process, of that role, and no worker', async (t) => {
  const launcher = await startReady(t, onMadeData(t), { ROLE: 'all' })
  assert.equal(launcher.tier, '4')
  assert.equal(childrenOf(launcher.pid, /app\/src\/main\.ts/).length, 1)
  await succeeds(launcher.url, await importLine(launcher.url, 'a'))
})

test('lower tiers have neither queue nor workers', async (t) => {
  const launcher = await startReady(t, [...onMadeData(t), '--tier', '2'])
  assert.deepEqual(childrenOf(launcher.pid, EMULATOR), [])
  assert.equal(childrenOf(launcher.pid, /app\/src\/main\.ts/).length, 1)
  await succeeds(launcher.url, await importLine(launcher.url, 'a'))
})

test('a migration that fails ends the start, with its exit code', async (t) => {
  const launcher = start(t, LAUNCHER, { QUEUE_RECEIVES_MAX: '0' })
  assert.equal((await launcher.exited).code, 78)
  assert.match(launcher.output.join('\n'), /QUEUE_RECEIVES_MAX: expected.*The migration has failed/s)
  await launcher.nothingLeft()
})
