import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { assertDegraded, becomes, serves } from '../../support/ask.ts'
import { type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import { type Environment, runService, startService } from '../../support/service.ts'

const SECRET = 'hunter2-very-secret'

let server: DatabaseServer
before(async () => {
  server = await startDatabaseServer()
})
after(() => server[Symbol.asyncDispose]())

function changed(change: (url: URL) => void): string {
  const url = new URL(server.url())
  change(url)
  return url.href
}

/** Cuts every connection of the service. */
async function terminate(): Promise<void> {
  await server.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'multi-aws'`,
  )
}

/** Asserts that the process stops at once, with words that name the variable and tell no secret. */
async function assertRefused(environment: Environment, words: RegExp): Promise<void> {
  const startMs = performance.now()
  const { code, stdout, stderr } = await runService(environment)
  assert.equal(code, 78, stderr)
  assert.ok(performance.now() - startMs < 5000, 'not at once')
  assert.match(stderr, words)
  assert.match(stderr, /DATABASE_(URL|NAME|USER)/)
  const { password } = new URL(environment.DATABASE_URL ?? server.url())
  for (const secret of [SECRET, password]) {
    assert.ok(secret === '' || !(stdout + stderr).includes(secret), 'it tells the secret')
  }
  assert.doesNotMatch(stderr, /\n {4}at /, 'a stack tells its reader nothing')
}

suite('before it was first ready, what waiting does not mend stops it at once with 78 and says what to do', () => {
  for (const ROLE of ['all', 'api', 'migrate']) {
    test(`a wrong password, ROLE=${ROLE}`, async () => {
      const DATABASE_URL = changed((url) => Object.assign(url, { password: SECRET }))
      await assertRefused({ ROLE, DATABASE_URL }, /Correct the user or the password in DATABASE_URL/)
    })
  }

  test('no password, where one is asked for', async () => {
    const DATABASE_URL = changed((url) => Object.assign(url, { password: '' }))
    await assertRefused({ DATABASE_URL }, /none is set\. Correct the user or the password/)
  })

  test('a user who may not log in', async () => {
    await server.query(`create role locked_out password '${SECRET}'`)
    const DATABASE_URL = changed((url) => Object.assign(url, { username: 'locked_out', password: SECRET }))
    await assertRefused({ DATABASE_URL }, /Let this user in/)
  })

  test('a database that does not exist', async () => {
    await assertRefused({ DATABASE_URL: server.url('missing') }, /Create the database, or correct its name/)
  })

  test('a database in another encoding', async () => {
    await server.query(`create database ascii owner multi_aws encoding 'SQL_ASCII' template template0`)
    await assertRefused({ DATABASE_URL: server.url('ascii') }, /SQL_ASCII, and has to be UTF8/)
  })

  test('a user who may not use the tables', async () => {
    assert.equal((await runService({ ROLE: 'migrate', DATABASE_URL: server.url() })).code, 0)
    await server.query(`create role stranger login password '${SECRET}'`)
    const DATABASE_URL = changed((url) => Object.assign(url, { username: 'stranger', password: SECRET }))
    await assertRefused({ ROLE: 'api', DATABASE_URL }, /Grant the user/)
  })

  test('a server without TLS, where its certificate is to be verified', async () => {
    const DATABASE_URL = changed((url) => url.searchParams.set('sslmode', 'verify-full'))
    await assertRefused({ DATABASE_URL }, /Turn on TLS in the server/)
  })
})

suite('once it has been ready, the same faults are an outage, and it comes back by itself', () => {
  test('a password that is changed, and changed back', async () => {
    await using service = await startService({ DATABASE_URL: server.url() })
    const { password } = new URL(server.url())
    await server.query(`alter role multi_aws password '${SECRET}'`)
    await terminate()
    await becomes(service, 'degraded')
    await assertDegraded(service)
    await server.query(`alter role multi_aws password '${password}'`)
    await becomes(service, 'ok')
    await serves(service)
  })

  test('a database that goes, and comes again', async () => {
    await server.query('create database here owner multi_aws')
    await using service = await startService({ DATABASE_URL: server.url('here') })
    await server.query('alter database here with allow_connections false')
    await terminate()
    await server.query('alter database here rename to gone')
    await becomes(service, 'degraded')
    await assertDegraded(service)
    await server.query('alter database gone rename to here')
    await server.query('alter database here with allow_connections true')
    await becomes(service, 'ok')
    await serves(service)
  })
})

test('a rotated password is taken from its file, in parts as in a URL, without a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rotation-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [urlFile, passwordFile] = [join(folder, 'url'), join(folder, 'password')]
  const { hostname, port, username, password, pathname } = new URL(server.url())
  const write = (secret: string) => {
    writeFileSync(urlFile, `${changed((url) => Object.assign(url, { password: secret }))}\n`)
    writeFileSync(passwordFile, `${secret}\n`)
  }
  write(password)
  await using byUrl = await startService({ DATABASE_URL_FILE: urlFile })
  await using byParts = await startService({
    DATABASE_HOST: hostname,
    DATABASE_PORT: port,
    DATABASE_NAME: pathname.slice(1),
    DATABASE_USER: username,
    DATABASE_PASSWORD_FILE: passwordFile,
  })
  await server.query(`alter role multi_aws password '${SECRET}'`)
  await terminate()
  await Promise.all([becomes(byUrl, 'degraded'), becomes(byParts, 'degraded')])
  write(SECRET)
  await Promise.all([becomes(byUrl, 'ok'), becomes(byParts, 'ok')])
  await Promise.all([serves(byUrl), serves(byParts)])
  for (const { lines } of [byUrl, byParts]) assert.ok(!JSON.stringify(lines).includes(SECRET))
  await server.query(`alter role multi_aws password '${password}'`)
})
