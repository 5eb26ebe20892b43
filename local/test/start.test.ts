import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freePort } from '../ports.ts'
import { startProcess } from '../processes.ts'
import { waitForHttp, waitUntil } from '../wait.ts'
import { traces } from './traces.ts'

const root = join(import.meta.dirname, '../..')
const READY = { timeoutMs: 60_000 }
const LAUNCHER = [process.execPath, 'local/start.ts', '--ephemeral']
const NPM = ['npm', 'start', '--', '--ephemeral']

function start(t: TestContext, [command = '', ...args]: readonly string[], variables = {}) {
  const { env, gone } = traces()
  const TMPDIR = mkdtempSync(join(tmpdir(), 'multi-aws-test-'))
  const launcher = startProcess({
    command,
    args,
    cwd: root,
    env: { ...process.env, TMPDIR, PORT: '0', ...variables, ...env },
  })
  t.after(async () => {
    await launcher.stop({ timeoutMs: 0 })
    rmSync(TMPDIR, { recursive: true })
  })
  return { ...launcher, gone }
}

async function startReady(t: TestContext, command: readonly string[], variables = {}) {
  const launcher = start(t, command, variables)
  const line = await launcher.line(/^ready /, READY)
  const [, url = ''] = /^ready (http:\/\/127\.0\.0\.1:\d+) tier 1$/.exec(line) ?? assert.fail(line)
  return { ...launcher, url }
}

async function assertPortIsFree(url: string) {
  const server = createServer().listen(Number(new URL(url).port), '127.0.0.1')
  await once(server, 'listening')
  server.close()
}

test('says ready when the service answers; SIGTERM leaves nothing', async (t) => {
  const launcher = await startReady(t, LAUNCHER)
  assert.equal(JSON.parse(await waitForHttp(`${launcher.url}/health`, READY)).tier, 1)
  assert.equal(JSON.parse(await waitForHttp(`${launcher.url}/data/1`, READY)).id, '1')
  for (const path of ['/changes', '/docs', '/metrics']) assert((await fetch(launcher.url + path)).ok, path)
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exited, { code: 0, signal: null })
  await launcher.gone({ timeoutMs: 10_000 })
  await assertPortIsFree(launcher.url)
})

for (const signal of ['SIGINT', 'SIGHUP'] as const) {
  test(`${signal} ends it in order, without the drain that a balancer needs`, async (t) => {
    const launcher = await startReady(t, LAUNCHER)
    const startMs = performance.now()
    launcher.signal(signal)
    assert.deepEqual(await launcher.exited, { code: 0, signal: null })
    assert(performance.now() - startMs < 4000)
    await launcher.gone({ timeoutMs: 10_000 })
  })
}

test('a second Ctrl-C ends it at once', async (t) => {
  const launcher = await startReady(t, LAUNCHER, { DRAIN_DELAY_MS: '20000' })
  const pressing = waitUntil('it ends', () => !launcher.signal('SIGINT'), { timeoutMs: 10_000 })
  assert.deepEqual(await launcher.exited, { code: 130, signal: null })
  await pressing
  await launcher.gone({ timeoutMs: 10_000 })
})

test('kill -9 of the launcher leaves nothing', async (t) => {
  const launcher = await startReady(t, LAUNCHER)
  launcher.signal('SIGKILL')
  await launcher.gone({ timeoutMs: 10_000 })
  await assertPortIsFree(launcher.url)
})

test('kill -9 of the npm that runs the launcher leaves nothing', async (t) => {
  const npm = await startReady(t, NPM)
  npm.signal('SIGKILL')
  await npm.gone({ timeoutMs: 10_000 })
  await assertPortIsFree(npm.url)
})

test('SIGTERM to npm ends it in order', async (t) => {
  const npm = await startReady(t, NPM)
  npm.signal('SIGTERM')
  assert.deepEqual(await npm.exited, { code: 0, signal: null })
  await npm.gone({ timeoutMs: 10_000 })
})

test('SIGTERM while it starts leaves nothing', async (t) => {
  const port = await freePort()
  const launcher = start(t, LAUNCHER, { PORT: String(port) })
  await waitForHttp(`http://127.0.0.1:${port}/health/live`, READY)
  launcher.signal('SIGTERM')
  assert.equal((await launcher.exited).code, 0)
  await launcher.gone({ timeoutMs: 10_000 })
})

test('a taken port is a failure that names the variable', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const launcher = start(t, LAUNCHER, { PORT: String(port) })
  assert.equal((await launcher.exited).code, 1)
  assert.match(launcher.output.join('\n'), new RegExp(`${port} is taken.* PORT `))
  await launcher.gone({ timeoutMs: 10_000 })
})

test('a configuration fault is shown, and exits with 78', async (t) => {
  const launcher = start(t, LAUNCHER, { LOG_LEVEL: 'loud', PORT: 'x' })
  assert.equal((await launcher.exited).code, 78)
  assert.match(launcher.output.join('\n'), /PORT: expected.*LOG_LEVEL: expected/s)
  await launcher.gone({ timeoutMs: 10_000 })
})

test('a service that logs nothing becomes ready too', async (t) => {
  const launcher = await startReady(t, LAUNCHER, { LOG_LEVEL: 'silent' })
  assert.equal((await fetch(`${launcher.url}/health`)).status, 200)
})

test('an API that dies takes the launcher along, with a reason', async (t) => {
  const launcher = await startReady(t, LAUNCHER)
  const logFile = (await launcher.line(/^ {2}log /, READY)).slice(11)
  const listening = () => readFileSync(logFile, 'utf8').match(/^.*"listening".*$/m)?.[0]
  const { pid } = JSON.parse(await waitUntil('the log tells the pid', listening, READY))
  process.kill(pid, 'SIGKILL')
  assert.equal((await launcher.exited).code, 1)
  assert.match(launcher.output.join('\n'), /The API has ended by itself \(SIGKILL\)/)
  await launcher.gone({ timeoutMs: 10_000 })
})

test('wrong options exit with 64 and say what is wrong', async (t) => {
  const faults: readonly [RegExp, ...string[]][] = [
    [/this release has only tier 1/, '--tier', '2'],
    [/expected one of 1, 2, 4/, '--tier', '3'],
    [/Unknown option '--tire'/, '--tire', '1'],
    [/exclude each other/, '--data-dir', 'somewhere'],
  ]
  for (const [message, ...options] of faults) {
    const launcher = start(t, [...LAUNCHER, ...options])
    assert.equal((await launcher.exited).code, 64)
    assert.match(launcher.output.join('\n'), message)
  }
})

test('--help exits with 0', async (t) => {
  const launcher = start(t, [...LAUNCHER, '--help'])
  assert.equal((await launcher.exited).code, 0)
  assert.match(launcher.output.join('\n'), /--tier N/)
})
