import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startRedisServer } from '../../app/test/support/redis.ts'
import { Failure } from '../component.ts'
import { startRedis } from '../redis.ts'
import { startModule } from './module.ts'
import { traces } from './traces.ts'

const LINE = { timeoutMs: 30_000 }
const local = join(import.meta.dirname, '..')

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis test-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 10 }))
  return folder
}

test('it is a cache: bounded, what is used least makes room, and only this machine reaches it', async () => {
  await using server = await startRedisServer()
  const setting = async (name: string) => Object(await server.command('CONFIG', 'GET', name))[name]
  assert.equal(await setting('maxmemory'), String(64 * 1024 * 1024))
  assert.equal(await setting('maxmemory-policy'), 'allkeys-lru')
  assert.equal(await setting('bind'), '127.0.0.1')
})

test('it leaves nothing on disk', async (t) => {
  const folder = newFolder(t)
  const redis = await startRedis({ folder })
  await redis.stop()
  assert.deepEqual(await redis.exited, { code: 0, signal: null })
  assert.deepEqual(readdirSync(folder), [])
})

test('a port that is taken, and a setting that is none, are failures that say so', async (t) => {
  const folder = newFolder(t)
  await using other = await startRedisServer()
  await assert.rejects(startRedis({ folder, port: other.port }), (error) => {
    assert(error instanceof Failure)
    assert.match(error.message, new RegExp(`^Port ${other.port} is taken`))
    return true
  })
  await assert.rejects(
    startRedis({ folder, settings: () => ({ 'no-such': 'yes' }) }),
    (error) => error instanceof Failure && /^Redis does not start: .*Bad directive/.test(error.message),
  )
})

test('it ends with its killed parent, though it is stopped', async (t) => {
  const { env, gone } = traces()
  const parent = startModule(
    `const { startRedis } = await import(${JSON.stringify(join(local, 'redis.ts'))})
     const redis = await startRedis({ folder: ${JSON.stringify(newFolder(t))} })
     redis.signal('SIGSTOP')
     console.log('up')`,
    { ...process.env, ...env },
  )
  t.after(() => parent.stop({ timeoutMs: 0 }))
  await parent.line(/^up$/, LINE)
  parent.signal('SIGKILL')
  await gone({ timeoutMs: 10_000 })
})

/** What the component says on a machine of which only these variables are known, and where it leads the service. */
async function startCacheWith(t: TestContext, env: NodeJS.ProcessEnv, from = local) {
  const folder = newFolder(t)
  const launcher = startModule(
    `const { startCache } = await import(${JSON.stringify(join(from, 'cache.ts'))})
     const places = { dataDir: ${JSON.stringify(folder)}, logDir: ${JSON.stringify(folder)} }
     console.log(JSON.stringify(await startCache({ env: process.env, ...places, say: console.log }, () => {})))`,
    env,
  )
  t.after(() => launcher.stop({ timeoutMs: 0 }))
  const variables = JSON.parse(await launcher.line(/^\{/, LINE))
  return { variables, said: launcher.output.filter((line) => !line.startsWith('{')) }
}

test('the launcher starts one on a free port', async (t) => {
  const { variables, said } = await startCacheWith(t, process.env)
  assert.match(variables.REDIS_URL, /^redis:\/\/127\.0\.0\.1:\d+$/)
  assert.deepEqual(said, [])
})

test('the launcher starts none where the environment leads to one', async (t) => {
  for (const env of [{ REDIS_URL: 'redis://127.0.0.1:1' }, { REDIS_URL_FILE: '/run/secrets/redis-url' }]) {
    assert.deepEqual(await startCacheWith(t, { ...process.env, ...env }), { variables: {}, said: [] })
  }
})

test('the launcher goes on where none is to be had, and names the command that installs one', async (t) => {
  // Not the folder of this repository, where one may be unpacked.
  const from = join(newFolder(t), 'local')
  cpSync(local, from, { recursive: true })
  const { variables, said } = await startCacheWith(t, { PATH: '' }, from)
  assert.deepEqual(variables, {})
  assert.equal(said.length, 1)
  assert.match(
    said.join(),
    /^going on without a cache: redis-server is not on this machine: .* install redis(-server)?$/,
  )
})

test('the launcher goes on where the one that is there does not start', async (t) => {
  const folder = join(newFolder(t), 'bin')
  mkdirSync(folder)
  const script = `#!/bin/sh\n[ "$1" = --version ] && exit 0\necho 'no such option'\nexit 1\n`
  writeFileSync(join(folder, 'redis-server'), script, { mode: 0o755 })
  assert.deepEqual(await startCacheWith(t, { PATH: folder }), {
    variables: {},
    said: ['going on without a cache: Redis does not start: no such option'],
  })
})
