import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { becomes, serves } from '../../support/ask.ts'
import { createAuthority } from '../../support/certificates.ts'
import { type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import { type Environment, runService, startService } from '../../support/service.ts'

const ours = createAuthority('ours')
const theirs = createAuthority('theirs')

let server: DatabaseServer
const folder = mkdtempSync(join(tmpdir(), 'tls-'))
const [certificateFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')]
const [ourFile, theirFile] = [join(folder, 'ours.crt'), join(folder, 'theirs.crt')]

before(async () => {
  // PostgreSQL may be run by another user.
  chmodSync(folder, 0o711)
  writeFileSync(ourFile, ours.certificate)
  writeFileSync(theirFile, theirs.certificate)
  server = await startDatabaseServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** From now on the server shows this certificate to new connections. */
async function present({ certificate, key }: { certificate: string; key: string }): Promise<void> {
  writeFileSync(certificateFile, certificate)
  rmSync(keyFile, { force: true })
  writeFileSync(keyFile, key, { mode: 0o600 })
  const [folders] = await server.query('show data_directory')
  const { uid, gid } = statSync(folders?.data_directory)
  if (uid !== process.getuid?.()) chownSync(keyFile, uid, gid)
  await server.query(`alter system set ssl_cert_file = '${certificateFile}'`)
  await server.query(`alter system set ssl_key_file = '${keyFile}'`)
  await server.query('alter system set ssl = on')
  const loaded = async () => (await server.query('select pg_conf_load_time()::text as at'))[0]?.at
  const atFirst = await loaded()
  await server.query('select pg_reload_conf()')
  await waitUntil('the server has taken it', async () => (await loaded()) !== atFirst, { timeoutMs: 5000 })
}

function urlOf(host: string, authorities: string | undefined): string {
  const url = new URL(server.url())
  url.hostname = host
  url.searchParams.set('sslmode', 'verify-full')
  if (authorities !== undefined) url.searchParams.set('sslrootcert', authorities)
  return url.href
}

function partsOf(host: string, authorities: string): Environment {
  const { port, username, password, pathname } = new URL(server.url())
  return {
    DATABASE_HOST: host,
    DATABASE_PORT: port,
    DATABASE_NAME: pathname.slice(1),
    DATABASE_USER: username,
    DATABASE_PASSWORD: password,
    DATABASE_SSLMODE: 'verify-full',
    DATABASE_SSLROOTCERT: authorities,
  }
}

async function assertAccepted(environment: Environment): Promise<void> {
  await using service = await startService(environment)
  await serves(service)
  const sessions = await server.query(
    `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'multi-aws'`,
  )
  assert.ok(sessions.length > 0)
  for (const { ssl } of sessions) assert.equal(ssl, true)
}

async function assertRefused(environment: Environment): Promise<void> {
  const { code, stderr } = await runService(environment)
  assert.equal(code, 78, stderr)
  assert.match(stderr, /Name the host in DATABASE_URL or DATABASE_HOST .* DATABASE_SSLROOTCERT\./)
  assert.ok(!stderr.includes(new URL(server.url()).password))
}

test('a server of the right authority and name is accepted, by host name and by address', async () => {
  await present(ours.issue('localhost', '127.0.0.1'))
  await assertAccepted({ DATABASE_URL: urlOf('localhost', ourFile) })
  await assertAccepted({ DATABASE_URL: urlOf('127.0.0.1', ourFile) })
  await assertAccepted(partsOf('localhost', ourFile))
})

test('a certificate of another authority is refused', async () => {
  await present(ours.issue('localhost'))
  await assertRefused({ DATABASE_URL: urlOf('localhost', theirFile) })
  await assertRefused(partsOf('localhost', theirFile))
  // Without a file: nor is it one of those that Node.js knows.
  await assertRefused({ DATABASE_URL: urlOf('localhost', undefined) })
})

test('a certificate for another host is refused', async () => {
  await present(ours.issue('elsewhere.example'))
  await assertRefused({ DATABASE_URL: urlOf('localhost', ourFile) })
  await assertRefused(partsOf('localhost', ourFile))
  await present(ours.issue('localhost'))
  await assertRefused({ DATABASE_URL: urlOf('127.0.0.1', ourFile) })
})

test('once it has been ready, a wrong certificate is an outage; a rotated authority needs no restart', async () => {
  const trusted = join(folder, 'trusted.crt')
  writeFileSync(trusted, ours.certificate)
  await present(ours.issue('localhost'))
  await using service = await startService({ DATABASE_URL: urlOf('localhost', trusted) })
  await present(theirs.issue('localhost'))
  await server.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'multi-aws'`,
  )
  await becomes(service, 'degraded')
  writeFileSync(trusted, theirs.certificate)
  await becomes(service, 'ok')
  await serves(service)
})
