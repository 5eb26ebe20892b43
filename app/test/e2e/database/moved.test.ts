import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../../../../local/ports.ts'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, assertDegraded, becomes, healthOf, serves } from '../../support/ask.ts'
import { type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { startListening, startService } from '../../support/service.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

let server: DatabaseServer
before(async () => {
  server = await startDatabaseServer()
})
after(() => server[Symbol.asyncDispose]())

const SERVICE = `application_name = 'multi-aws'`

async function terminate(): Promise<void> {
  await server.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${SERVICE}`)
}

test('a database that comes back at another address is found there: behind the same name, and in the file of its URL', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'moved-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'url')
  writeFileSync(file, server.url())
  await using proxy = await startTcpProxy(server.port)
  await using byName = await startService({ DATABASE_URL: proxy.through(server.url()) })
  await using byFile = await startService({ DATABASE_URL_FILE: file })
  assert.equal((await ask(byName, 'PUT', '/data/moved', 1)).status, 201)

  await server.stop()
  await Promise.all([becomes(byName, 'degraded'), becomes(byFile, 'degraded')])
  await server.start({ port: await freePort() })
  proxy.aim(server.port)
  writeFileSync(file, server.url())
  await Promise.all([becomes(byName, 'ok'), becomes(byFile, 'ok')])
  await Promise.all([serves(byName), serves(byFile)])
  assert.equal((await ask(byFile, 'GET', '/data/moved')).status, 200)
})

for (const { how, cut } of [
  { how: 'its connections are cut', cut: true },
  { how: 'its connections stay open', cut: false },
]) {
  test(`a primary that is demoted, and ${how}: no write is answered 2xx, and all is well once there is a primary`, async () => {
    await using service = await startService({ DATABASE_URL: server.url() })
    await server.query('alter system set default_transaction_read_only = on')
    await server.query('select pg_reload_conf()')
    if (cut) await terminate()
    await waitUntil(
      'no connection is of use any more',
      async () => {
        const { status, body } = await ask<Problem>(service, 'PUT', '/data/demoted', 1)
        // The new setting reaches a connection a moment later.
        if (status < 300) return false
        assert.equal(status, 503)
        assert.equal(body.code, 'unavailable')
        return (await healthOf(service)).status === 'degraded'
      },
      { timeoutMs: 10_000 },
    )
    await assertDegraded(service)
    const { dependencies } = await healthOf(service)
    assert.equal(dependencies.store.detail, 'the server takes no writes: it is a standby')
    const stored = await server.query(`select version from data where id = 'demoted'`)

    await server.query('alter system reset default_transaction_read_only')
    await server.query('select pg_reload_conf()')
    await becomes(service, 'ok')
    await serves(service)
    // Nothing that was refused has been done.
    const { version } = (await ask<{ version: number }>(service, 'PUT', '/data/demoted', 2)).body
    assert.equal(version, (stored[0]?.version === undefined ? 0 : Number(stored[0].version)) + 1)
  })
}

test('a server that has no connection left is waited for, at the start and after an outage', async () => {
  await server.query('alter role multi_aws connection limit 0')
  await using service = await startListening({ DATABASE_URL: server.url() })
  // Every attempt is refused until then.
  await waitUntil(
    'it was refused',
    () => server.log.some((line) => line.includes('too many connections for role')),
    { timeoutMs: 5000 },
  )
  await server.query('alter role multi_aws connection limit -1')
  await service.ready()

  await server.query('alter role multi_aws connection limit 0')
  await terminate()
  await becomes(service, 'degraded')
  await assertDegraded(service)
  // Less than it would like to have is enough for data, if not for the feed as well.
  await server.query('alter role multi_aws connection limit 2')
  await becomes(service, 'ok')
  assert.equal((await ask(service, 'PUT', '/data/full', 1)).status, 201)
  await server.query('alter role multi_aws connection limit -1')
  await serves(service)
})

test('a process has at most DATABASE_POOL_MAX + 1 sessions, also while it reconnects', async () => {
  await using service = await startService({ DATABASE_URL: server.url(), DATABASE_POOL_MAX: '3' })
  let goesOn = true
  let most = 0
  const count = async () => {
    const [row] = await server.query(
      `select count(*)::int as sessions from pg_stat_activity where ${SERVICE}`,
    )
    most = Math.max(most, row?.sessions)
    return row?.sessions
  }
  const load = Array.from({ length: 8 }, async (_, client) => {
    const path = `/data/load-${client}`
    while (goesOn) {
      for (const reply of [ask(service, 'PUT', path, 1), ask(service, 'GET', path)])
        await reply.catch(() => {})
    }
  })
  for (let round = 0; round < 2; round++) {
    await terminate()
    await waitUntil('all are back', async () => (await count()) === 4, { timeoutMs: 10_000 })
  }
  await server.crash()
  await server.start()
  await waitUntil('all are back', async () => (await count()) === 4, { timeoutMs: 15_000 })
  goesOn = false
  await Promise.all(load)
  assert.equal(most, 4)
})
