import assert from 'node:assert/strict'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createClient, createCluster } from '@redis/client'
import { startModule } from '../../../local/test/module.ts'
import { traces } from '../../../local/test/traces.ts'
import { waitUntil } from '../../../local/wait.ts'
import { within } from './deadline.ts'
import { type RedisCluster, startRedisCluster, startRedisServer, startTlsRedisServer } from './redis.ts'

const soon = { timeoutMs: 30_000 }
const SILENCE_MS = 300

test('a server that was killed or stopped starts on its port again, empty', async () => {
  await using server = await startRedisServer()
  for (const end of ['kill', 'stop'] as const) {
    await server.command('SET', 'key', 'value')
    await server[end]()
    await assert.rejects(server.command('PING'), { code: 'ECONNREFUSED' })
    await server.start()
    assert.equal(await server.command('GET', 'key'), null)
  }
})

test('a frozen server says nothing, and answers after the thaw', async () => {
  await using server = await startRedisServer()
  server.freeze()
  const answer = server.command('PING')
  await assert.rejects(within(SILENCE_MS, 'an answer', answer), /not within/)
  server.thaw()
  assert.equal(await answer, 'PONG')
})

test('settings are those of redis.conf, users included, and kept over a restart', async () => {
  await using server = await startRedisServer({
    maxmemory: '2mb',
    user: ['default on nopass ~* +@all', 'cache on >secret ~data:* +get +hello +client'],
  })
  await server.kill()
  await server.start()
  assert.match(String(await server.command('INFO', 'memory')), /^maxmemory:2097152\r$/m)
  const client = createClient({ url: server.url, username: 'cache', password: 'secret' })
  client.on('error', () => {})
  await client.connect()
  try {
    assert.equal(await client.get('data:1'), null)
    await assert.rejects(client.set('data:1', 'x'), /NOPERM/)
    await assert.rejects(client.get('other'), /NOPERM/)
  } finally {
    client.destroy()
  }
})

test('a TLS server is reached by those who trust its authority, and by TLS alone', async () => {
  await using server = await startTlsRedisServer()
  assert.equal(await server.command('PING'), 'PONG')
  const connect = async (url: string, tls: object) => {
    const client = createClient({ url, socket: { reconnectStrategy: false, ...tls } })
    client.on('error', () => {})
    await client.connect()
    const answer = await client.ping()
    client.destroy()
    return answer
  }
  const ca = await readFile(server.authorityFile, 'utf8')
  assert.equal(await connect(server.url, { tls: true, ca }), 'PONG')
  await assert.rejects(connect(server.url, {}), /certificate/)
  await assert.rejects(connect(`redis://localhost:${server.port}`, {}))
})

/** Puts keys on all masters, and requires each of them to be found where it was put. */
async function assertServes(cluster: RedisCluster, masters: RedisCluster['masters']): Promise<void> {
  const client = createCluster({ rootNodes: [{ url: cluster.url }] })
  client.on('error', () => {})
  await client.connect()
  try {
    const keys = Array.from({ length: 60 }, (_, at) => `key-${at}`)
    await Promise.all(keys.map((key) => client.set(key, key)))
    assert.deepEqual(await Promise.all(keys.map((key) => client.get(key))), keys)
    const sizes = await Promise.all(masters.map((master) => master.command('DBSIZE')))
    assert.equal(
      sizes.reduce((sum: number, size) => sum + Number(size), 0),
      keys.length,
    )
    for (const size of sizes) assert(Number(size) > 0, `${sizes}`)
  } finally {
    client.destroy()
  }
}

test('a cluster answers on each of its masters', async () => {
  await using cluster = await startRedisCluster()
  assert.deepEqual([cluster.masters.length, cluster.replicas.length], [3, 0])
  await assertServes(cluster, cluster.masters)
})

test('a master that was killed is followed by its replica, and comes back as one', async () => {
  await using cluster = await startRedisCluster({ replicas: 1 })
  const [first, killed, third] = cluster.masters
  const [, replica] = cluster.replicas
  assert(first && killed && third && replica)
  const role = async (node: typeof killed) =>
    /^role:(\w+)/m.exec(String(await node.command('INFO', 'replication')))?.[1]
  assert.equal(await role(replica), 'slave')
  await killed.kill()
  await waitUntil('the replica is a master', async () => (await role(replica)) === 'master', soon)
  await cluster.settled()
  await assertServes(cluster, [first, replica, third])
  await killed.start()
  await waitUntil('the killed one follows', async () => (await role(killed)) === 'slave', soon)
  await cluster.settled()
})

test('a test that is killed leaves nothing: no process and no folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'redis-test-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 10 }))
  const { env, gone } = traces()
  const script = `
    const { startRedisCluster } = await import(${JSON.stringify(join(import.meta.dirname, 'redis.ts'))})
    const { masters } = await startRedisCluster()
    masters[1].freeze()
    console.log('up')`
  const killed = startModule(script, { ...process.env, TMPDIR: folder, ...env })
  t.after(() => killed.stop({ timeoutMs: 0 }))
  await killed.line(/^up$/, soon)
  killed.signal('SIGKILL')
  await gone(soon)
  assert.deepEqual(globSync('*', { cwd: folder }), [])
})
