import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startDatabaseServer } from '../../app/test/support/postgres.ts'
import { freePort, listeningPort } from '../ports.ts'
import { sendSignal } from '../processes.ts'
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

const TIER_1 = [...LAUNCHER, '--tier', '1']
const NPM = ['npm', 'start', '--', '--ephemeral']

async function put(url: string, value: string) {
  const headers = { 'content-type': 'application/json' }
  assert.equal((await fetch(`${url}/data/kept`, { method: 'PUT', body: value, headers })).status, 201)
}

async function assertFound(url: string, value: string) {
  assert.equal(JSON.stringify(JSON.parse(await waitForHttp(`${url}/data/kept`, READY)).value), value)
}

async function assertPortIsFree(url: string) {
  const server = createServer().listen(Number(new URL(url).port), '127.0.0.1')
  await once(server, 'listening')
  server.close()
}

test('says ready when the service answers; SIGTERM leaves nothing', async (t) => {
  const launcher = await startReady(t, LAUNCHER)
  assert.equal(launcher.tier, '4')
  assert.equal(JSON.parse(await waitForHttp(`${launcher.url}/health`, READY)).tier, 4)
  assert.equal(JSON.parse(await waitForHttp(`${launcher.url}/data/1`, READY)).id, '1')
  for (const path of ['/changes', '/docs', '/metrics']) assert((await fetch(launcher.url + path)).ok, path)
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exited, { code: 0, signal: null })
  await launcher.nothingLeft()
  await assertPortIsFree(launcher.url)
})

for (const signal of ['SIGINT', 'SIGHUP'] as const) {
  test(`${signal} ends it in order, without the drain that a balancer needs`, async (t) => {
    const launcher = await startReady(t, LAUNCHER)
    const startMs = performance.now()
    launcher.signal(signal)
    assert.deepEqual(await launcher.exited, { code: 0, signal: null })
    assert(performance.now() - startMs < 4000)
    await launcher.nothingLeft()
  })
}

test('a second Ctrl-C ends it at once', async (t) => {
  const launcher = await startReady(t, LAUNCHER, { DRAIN_DELAY_MS: '20000' })
  const pressing = waitUntil('it ends', () => !launcher.signal('SIGINT'), { timeoutMs: 10_000 })
  assert.deepEqual(await launcher.exited, { code: 130, signal: null })
  await pressing
  await launcher.nothingLeft()
})

test('kill -9 of the launcher leaves nothing', async (t) => {
  const launcher = await startReady(t, LAUNCHER)
  launcher.signal('SIGKILL')
  await launcher.nothingLeft()
  await assertPortIsFree(launcher.url)
})

test('kill -9 of the npm that runs the launcher leaves nothing', async (t) => {
  const npm = await startReady(t, NPM)
  npm.signal('SIGKILL')
  await npm.nothingLeft()
  await assertPortIsFree(npm.url)
})

test('SIGTERM to npm ends it in order', async (t) => {
  const npm = await startReady(t, NPM)
  npm.signal('SIGTERM')
  assert.deepEqual(await npm.exited, { code: 0, signal: null })
  await npm.nothingLeft()
})

test('SIGTERM while it starts leaves nothing', async (t) => {
  const port = await freePort()
  const launcher = start(t, LAUNCHER, { PORT: String(port) })
  await waitForHttp(`http://127.0.0.1:${port}/health/live`, READY)
  launcher.signal('SIGTERM')
  assert.equal((await launcher.exited).code, 0)
  await launcher.nothingLeft()
})

test('a taken port is a failure that names the variable', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const launcher = start(t, LAUNCHER, { PORT: String(port) })
  assert.equal((await launcher.exited).code, 1)
  assert.match(launcher.output.join('\n'), new RegExp(`${port} is taken.* PORT `))
  await launcher.nothingLeft()
})

test('a configuration fault is shown, and exits with 78', async (t) => {
  const launcher = start(t, LAUNCHER, { LOG_LEVEL: 'loud', PORT: 'x' })
  assert.equal((await launcher.exited).code, 78)
  assert.match(launcher.output.join('\n'), /PORT: expected.*LOG_LEVEL: expected/s)
  await launcher.nothingLeft()
})

test('a service that logs nothing becomes ready too', async (t) => {
  const launcher = await startReady(t, onMadeData(t), { LOG_LEVEL: 'silent' })
  assert.equal((await fetch(`${launcher.url}/health`)).status, 200)
})

test('an API that dies is started again, where it was', async (t) => {
  const launcher = await startReady(t, LAUNCHER)
  await put(launcher.url, '1')
  const log = await told(launcher, 'log')
  process.kill((await serviceOf(log)).pid, 'SIGKILL')
  await launcher.line(/^The API has ended by itself \(SIGKILL\): starting it again in 0\.5 s$/, READY)
  const again = await serviceOf(log, 2)
  assert.equal(again.url, launcher.url)
  await assertFound(again.url, '1')
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exited, { code: 0, signal: null })
  await launcher.nothingLeft()
})

test('an API whose configuration has become wrong is not started again and again', async (t) => {
  await using server = await startDatabaseServer()
  const file = join(temporaryFolder(t), 'url')
  writeFileSync(file, server.url())
  const launcher = await startReady(t, [...LAUNCHER, '--tier', '2'], { DATABASE_URL_FILE: file })
  rmSync(file)
  process.kill((await serviceOf(await told(launcher, 'log'))).pid, 'SIGKILL')
  assert.equal((await launcher.exited).code, 78)
  assert.match(launcher.output.join('\n'), /^The API has ended by itself \(exit code 78\)\.$/m)
  await launcher.nothingLeft()
})

test('a database that dies takes the launcher along, with a reason', async (t) => {
  const dataDir = temporaryFolder(t)
  const launcher = await startReady(t, [...START, '--data-dir', dataDir])
  const [pid] = readFileSync(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')
  process.kill(Number(pid), 'SIGKILL')
  assert.equal((await launcher.exited).code, 1)
  assert.match(launcher.output.join('\n'), /PostgreSQL has ended by itself \(SIGKILL\)/)
  await launcher.nothingLeft()
})

test('data is found again after a stop, and at once after kill -9', async (t) => {
  const command = onMadeData(t)
  const first = await startReady(t, command)
  await put(first.url, '1')
  await first.stop()
  const second = await startReady(t, command)
  await assertFound(second.url, '1')
  second.signal('SIGKILL')
  const third = await startReady(t, command)
  await assertFound(third.url, '1')
})

test('two launchers do not share data: the second one says so', async (t) => {
  const command = onMadeData(t)
  await startReady(t, command)
  const second = start(t, command)
  await second.line(/waiting for another PostgreSQL to leave the data/, READY)
  assert.equal((await second.exited).code, 1)
  assert.match(second.output.join('\n'), /Another PostgreSQL \(PID \d+\) uses the data/)
})

test('the database is where DATABASE_PORT says, and its password is in a file only', async (t) => {
  const port = String(await listeningPort())
  const launcher = await startReady(t, LAUNCHER, { DATABASE_PORT: port })
  assert.equal(await told(launcher, 'database'), `postgresql://multi_aws@127.0.0.1:${port}/multi_aws`)
  const passwordFile = await told(launcher, '         password')
  const password = readFileSync(passwordFile, 'utf8').trim()
  assert(password.length >= 32)
  assert(!launcher.output.join('\n').includes(password))
})

test('a wrong DATABASE_PORT is a configuration fault', async (t) => {
  const launcher = start(t, LAUNCHER, { DATABASE_PORT: '70000' })
  assert.equal((await launcher.exited).code, 78)
  assert.match(launcher.output.join('\n'), /DATABASE_PORT: expected/)
})

test("the user's own database is used, and none is started", async (t) => {
  await using server = await startDatabaseServer()
  const dataDir = temporaryFolder(t)
  const command = [...START, '--data-dir', dataDir]
  const first = await startReady(t, command, { DATABASE_URL: server.url() })
  await put(first.url, '2')
  assert.equal(existsSync(join(dataDir, 'postgres')), false)
  assert.doesNotMatch(first.output.join('\n'), /postgresql:/)
  await first.stop()
  const { hostname, port, username, password, pathname } = new URL(server.url())
  const second = await startReady(t, command, {
    DATABASE_HOST: hostname,
    DATABASE_PORT: port,
    DATABASE_USER: username,
    DATABASE_PASSWORD: password,
    DATABASE_NAME: pathname.slice(1),
  })
  await assertFound(second.url, '2')
  assert.equal(existsSync(join(dataDir, 'postgres')), false)
})

test('tier 1 starts no database, and leaves one that is there alone', async (t) => {
  const launcher = await startReady(t, TIER_1, { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' })
  assert.equal(launcher.output[0], 'not used at tier 1: DATABASE_URL')
  assert.equal(launcher.tier, '1')
  assert.equal(JSON.parse(await waitForHttp(`${launcher.url}/health`, READY)).tier, 1)
  assert.equal(JSON.parse(await waitForHttp(`${launcher.url}/data/1`, READY)).id, '1')
  assert.doesNotMatch(launcher.output.join('\n'), /postgres/)
})

for (const { signal, how } of [
  { signal: 'SIGKILL', how: 'SIGKILL' },
  { signal: 'SIGTERM', how: 'exit code 0' },
] as const) {
  test(`the whole system has a cache, and goes on without it after ${signal}`, async (t) => {
    const launcher = await startReady(t, onMadeData(t))
    assert.equal((await dependencies(launcher.url)).cache?.state, 'ok')
    const [redis] = childrenOf(launcher.pid, /redis-server/)
    sendSignal(redis as number, signal)
    const line = await launcher.line(/^Redis has ended by itself/, READY)
    assert.equal(line, `Redis has ended by itself (${how}): going on without a cache`)
    assert((await fetch(`${launcher.url}/data/1`)).ok)
  })
}

test('tier 2 has no cache, and REDIS_URL leads to one of the user’s own', async (t) => {
  const tier2 = await startReady(t, [...onMadeData(t), '--tier', '2'])
  assert.deepEqual(Object.keys(await dependencies(tier2.url)), ['store'])
  const own = await startReady(t, onMadeData(t), { REDIS_URL: 'redis://127.0.0.1:1' })
  assert.equal((await dependencies(own.url)).cache?.state, 'unavailable')
  assert.deepEqual(childrenOf(own.pid, /redis-server/), [])
})

test('metrics are where the launcher says, on a free port too', async (t) => {
  const launcher = await startReady(t, TIER_1, { METRICS_PORT: '0' })
  const url = await told(launcher, 'metrics')
  assert.notEqual(new URL(url).port, new URL(launcher.url).port)
  assert.match(await waitForHttp(url, READY), /^# HELP /m)
})

test('wrong options exit with 64 and say what is wrong', async (t) => {
  const faults: readonly [RegExp, ...string[]][] = [
    [/expected one of 1, 2, 4/, '--tier', '3'],
    [/Unknown option '--tire'/, '--tire', '1'],
    [/exclude each other/, '--data-dir', 'somewhere'],
    [/--workers: expected an integer from 0 to 16/, '--workers', '17'],
    [/--workers: expected an integer from 0 to 16/, '--workers=-1'],
    [/--workers: expected an integer from 0 to 16/, '--workers', ''],
    [/--workers: only tier 4 has workers/, '--tier', '2', '--workers', '1'],
  ]
  for (const [message, ...options] of faults) {
    const launcher = start(t, [...LAUNCHER, ...options])
    assert.equal((await launcher.exited).code, 64)
    assert.match(launcher.output.join('\n'), message)
  }
})

test('an option that npm has taken for its own is told how it is given', async (t) => {
  const npm = start(t, ['npm', 'start', '--tier', '2'])
  assert.equal((await npm.exited).code, 64)
  assert.match(npm.output.join('\n'), /^npm has taken --tier for its own: npm start -- --tier …$/m)
})

test('a place where no data can be kept is a failure in one sentence', async (t) => {
  for (const dataDir of ['/dev/null/x', '/proc/x', 'README.md']) {
    const launcher = start(t, [...START, '--data-dir', dataDir])
    assert.equal((await launcher.exited).code, 73)
    assert.equal(launcher.output.length, 1)
    assert.match(launcher.output[0] ?? '', /^Data and logs cannot be kept there: E/)
  }
})

test('an address that is none ends the start, with the reason and its exit code', async (t) => {
  const launcher = start(t, TIER_1, { HOST: 'nowhere.invalid' })
  assert.equal((await launcher.exited).code, 78)
  assert.deepEqual(launcher.output, [
    'HOST is not an address of this machine: set HOST to one, or to 0.0.0.0 for all.',
    'The API has ended by itself (exit code 78).',
  ])
})

test('--help exits with 0', async (t) => {
  const launcher = start(t, [...LAUNCHER, '--help'])
  assert.equal((await launcher.exited).code, 0)
  assert.match(launcher.output.join('\n'), /--tier N/)
})
