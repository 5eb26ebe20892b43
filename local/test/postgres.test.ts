import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, connect as openSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { query } from '../../app/test/support/postgres.ts'
import { Failure } from '../component.ts'
import { listeningPort } from '../ports.ts'
import { type Postgres, type PostgresOptions, startPostgres } from '../postgres.ts'
import { postgresBinaries } from '../postgres-binaries.ts'
import { listProcesses } from '../process-table.ts'
import { type RunningProcess, startProcess } from '../processes.ts'
import { unprivileged } from '../unprivileged.ts'
import { waitUntil } from '../wait.ts'
import { type Traces, traces } from './traces.ts'

const LINE = { timeoutMs: 30_000 }
const GONE = { timeoutMs: 20_000 }
const binaries = postgresBinaries()
/** Those of the test that runs. */
const servers: Postgres[] = []

/** The name of a folder that is not there yet. `mode` is that of its parent. */
function newFolder(t: TestContext, mode = 0o711): string {
  const parent = mkdtempSync(join(tmpdir(), 'postgres-test-'))
  chmodSync(parent, mode)
  t.after(async () => {
    for (const server of servers.splice(0)) await server.abandon()
    rmSync(parent, { recursive: true, maxRetries: 10 })
  })
  return join(parent, 'postgres')
}

/** The name of one that has data already, of no server yet: making that is most of what a test would take. */
function madeFolder(t: TestContext): string {
  const folder = newFolder(t)
  const template = process.env.TEST_DATABASE_TEMPLATE
  if (template) cpSync(template, folder, { recursive: true })
  return folder
}

async function start(folder: string, options: Partial<PostgresOptions> = {}): Promise<Postgres> {
  const server = await startPostgres({ folder, throwAway: true, ...options })
  servers.push(server)
  return server
}

async function create(server: Postgres) {
  await query(server.url(), 'create table kept as select 7 as value')
}

async function assertFound(server: Postgres) {
  assert.deepEqual(await query(server.url(), 'select value from kept'), [{ value: 7 }])
}

/** A process like the launcher, which says the URL of the server that it has started. */
function startParent(
  folder: string,
  { env }: Traces,
  { user = { command: asMe }, afterwards = '' } = {},
): RunningProcess {
  const module = join(import.meta.dirname, '../postgres.ts')
  const script = `const { startPostgres } = await import(${JSON.stringify(module)})
    const server = await startPostgres({ folder: ${JSON.stringify(folder)}, throwAway: true })
    ${afterwards}
    console.log(process.getuid(), server.url())`
  const command = user.command(process.execPath, '--input-type=module', '--eval', script)
  return startProcess({ ...command, env: { ...process.env, ...env } })
}

function asMe(command: string, ...args: readonly string[]) {
  return { command, args: [...args] }
}

async function urlOf(parent: RunningProcess): Promise<string> {
  const line = await parent.line(/postgresql:/, LINE)
  return line.slice(line.indexOf(' ') + 1)
}

/** Keeps a connection busy. Resolves when the server is at work; `ended`, to what becomes of it. */
async function keepBusy(url: string): Promise<{ ended: Promise<unknown> }> {
  const ended = query(url, 'select count(*) from generate_series(1, 1e12)').catch((error) => error)
  const isBusy = async () =>
    (await query(url, `select 1 from pg_stat_activity where query like '%1e12%' and pid <> pg_backend_pid()`))
      .length > 0
  await waitUntil('the server is busy', isBusy, LINE)
  return { ended }
}

test('the data is safe and compares in byte order, and only this machine reaches it, with the password', async (t) => {
  const folder = newFolder(t)
  const server = await start(folder)
  const [settings] = await query(
    server.url({ superuser: true }),
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
       current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
       current_setting('server_encoding') as encoding, 'Z' < 'a' as bytes,
       (select rolsuper from pg_roles where rolname = 'multi_aws') as superuser`,
  )
  assert.deepEqual(settings, {
    fsync: 'on',
    commit: 'on',
    addresses: '127.0.0.1',
    sockets: '',
    encoding: 'UTF8',
    bytes: true,
    superuser: false,
  })
  assert.equal(statSync(join(folder, 'password')).mode & 0o777, 0o600)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  const wrong = new URL(server.url())
  wrong.password = 'wrong'
  await assert.rejects(query(wrong.href, 'select 1'), { code: '28P01' })
})

test('each new folder has a password of its own', async (t) => {
  const passwords = await Promise.all(
    [newFolder(t), newFolder(t)].map(async (folder) => {
      await start(folder)
      return readFileSync(join(folder, 'password'), 'utf8')
    }),
  )
  assert.notEqual(passwords[0], passwords[1])
})

test('settings are those that were asked for', async (t) => {
  const server = await start(madeFolder(t), { settings: { max_connections: '7', work_mem: '3MB' } })
  assert.deepEqual(
    await query(
      server.url(),
      `select current_setting('max_connections') as connections, current_setting('work_mem') as memory`,
    ),
    [{ connections: '7', memory: '3MB' }],
  )
})

test('stop and start: the data is found again, on another port too', async (t) => {
  const folder = madeFolder(t)
  const first = await start(folder)
  await create(first)
  await first.stop()
  assert.deepEqual(await first.exited, { code: 0, signal: null })
  const port = await listeningPort()
  const second = await start(folder, { port })
  assert.equal(second.port, port)
  await assertFound(second)
})

test('stop does not wait for clients', async (t) => {
  const server = await start(madeFolder(t))
  const { ended } = await keepBusy(server.url())
  await server.stop()
  assert.match(String(await ended), /terminating connection/)
})

test('a crash ends all processes, and the next start on the same port finds what was committed', async (t) => {
  const folder = madeFolder(t)
  const first = await start(folder)
  await create(first)
  const { ended } = await keepBusy(first.url())
  const children = listProcesses().filter(({ parent }) => parent === first.pid)
  assert(children.length >= 5)
  await first.crash()
  const left = new Set(listProcesses().map(({ pid }) => pid))
  assert.deepEqual(
    [first, ...children].filter(({ pid }) => left.has(pid)),
    [],
  )
  assert((await ended) instanceof Error)
  const second = await start(folder, { port: first.port })
  await assertFound(second)
})

test('a frozen server takes connections and does not answer until it is thawed', async (t) => {
  const server = await start(madeFolder(t))
  server.freeze()
  const states = listProcesses().filter(({ pid, parent }) => [pid, parent].includes(server.pid))
  assert(states.every(({ state }) => state === 'T'))
  const socket = openSocket(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  const answer = query(server.url(), 'select 1 as one')
  server.thaw()
  assert.deepEqual(await answer, [{ one: 1 }])
})

test('data that another server uses is left to it', async (t) => {
  const folder = madeFolder(t)
  const first = await start(folder)
  await create(first)
  await assert.rejects(start(folder, { inUseMsMax: 0 }), (error: Error) => {
    assert(error instanceof Failure)
    assert.match(error.message, new RegExp(`PID ${first.pid}\\) uses the data in ${folder}`))
    return true
  })
  await assertFound(first)
})

test('data whose server is about to end is waited for', async (t) => {
  const folder = madeFolder(t)
  const first = await start(folder)
  await create(first)
  const { promise: waits, resolve: say } = Promise.withResolvers<string>()
  const second = start(folder, { say })
  assert.match(await waits, /waiting for another PostgreSQL/)
  await first.stop()
  await assertFound(await second)
})

test('a port that is taken is a failure that names the variable', async (t) => {
  const other = createServer().listen(await listeningPort(), '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await assert.rejects(
    start(madeFolder(t), { port }),
    new Failure(`Port ${port} is taken: stop what listens there, or set DATABASE_PORT to another one.`, 1),
  )
})

test('data of another major version is a failure that says which', async (t) => {
  const folder = newFolder(t)
  mkdirSync(join(folder, 'data'), { recursive: true })
  writeFileSync(join(folder, 'data/PG_VERSION'), '17\n')
  await assert.rejects(start(folder), /holds data of PostgreSQL 17, which PostgreSQL 18 cannot read/)
})

test('a folder with something else in it is a failure, and left alone', async (t) => {
  const folder = newFolder(t)
  mkdirSync(folder)
  writeFileSync(join(folder, 'letter.txt'), 'dear reader')
  await assert.rejects(start(folder), /holds no data of PostgreSQL/)
  assert.deepEqual(readdirSync(folder), ['letter.txt'])
})

test('an empty folder is made use of', async (t) => {
  const folder = newFolder(t)
  mkdirSync(folder)
  await create(await start(folder))
})

test('a settings fault is a failure that shows what PostgreSQL said', async (t) => {
  await assert.rejects(
    start(madeFolder(t), { settings: { work_mem: 'much' } }),
    /PostgreSQL does not start:.*work_mem/s,
  )
})

test('a process that has got the number of a killed server does not keep the data from being used', async (t) => {
  const folder = madeFolder(t)
  await (await start(folder)).crash()
  const file = join(folder, 'data/postmaster.pid')
  const namesake = startProcess(unprivileged(folder, binaries.postgres).command('sleep', '600'))
  t.after(() => namesake.stop())
  const isSleep = () => listProcesses().some(({ pid, name }) => pid === namesake.pid && name === 'sleep')
  await waitUntil('it is no shell any more', isSleep, LINE)
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(namesake.pid)))
  await create(await start(folder))
})

test('an interrupted first start leaves nothing that the next one minds', async (t) => {
  const folder = newFolder(t)
  const trace = traces()
  const parent = startParent(folder, trace)
  const leftovers = () => readdirSync(dirname(folder)).filter((name) => name !== basename(folder))
  const isHalfMade = () => leftovers().some((name) => existsSync(join(dirname(folder), name, 'data/base/1')))
  await waitUntil('initdb is at work', isHalfMade, LINE)
  parent.signal('SIGKILL')
  await parent.exited
  assert.equal(existsSync(folder), false)
  await trace.gone(GONE)
  await create(await start(folder))
  assert.deepEqual(leftovers(), [])
})

test('kill -9 of its parent ends a busy server in order, and the next start waits for that', async (t) => {
  const folder = madeFolder(t)
  const trace = traces()
  const parent = startParent(folder, trace)
  const { ended } = await keepBusy(await urlOf(parent))
  parent.signal('SIGKILL')
  const next = await start(folder)
  assert.match(String(await ended), /terminating connection due to administrator command/)
  await trace.gone(GONE)
  await create(next)
})

test('kill -9 of its parent ends a frozen server too', async (t) => {
  const trace = traces()
  const parent = startParent(madeFolder(t), trace, { afterwards: 'server.freeze()' })
  await urlOf(parent)
  parent.signal('SIGKILL')
  await trace.gone(GONE)
})

test('a process that outlives its killed server is waited for', async (t) => {
  const folder = madeFolder(t)
  const first = await start(folder)
  await create(first)
  const child = listProcesses().find(({ parent }) => parent === first.pid) ?? assert.fail('no child')
  process.kill(child.pid, 'SIGSTOP')
  process.kill(first.pid, 'SIGKILL')
  const { promise: refused, resolve } = Promise.withResolvers<void>()
  const onLine = (line: string) => /pre-existing shared memory block/.test(line) && resolve()
  const second = start(folder, { onLine })
  await refused
  process.kill(child.pid, 'SIGKILL')
  await assertFound(await second)
})

test('it runs for an ordinary user', async (t) => {
  const folder = newFolder(t)
  const user = unprivileged(folder, process.execPath)
  user.own(dirname(folder))
  const trace = traces()
  const parent = startParent(folder, trace, { user })
  const url = await urlOf(parent)
  assert.doesNotMatch(parent.output.join('\n'), /^0 /m)
  assert.deepEqual(await query(url, 'select 1 as one'), [{ one: 1 }])
  parent.signal('SIGKILL')
  await trace.gone(GONE)
})

test('it runs below a folder that nobody else may enter', async (t) => {
  const folder = newFolder(t, 0o700)
  const first = await start(folder)
  await create(first)
  await first.stop()
  chmodSync(dirname(folder), 0o711)
  const second = await start(folder)
  await assertFound(second)
  await second.stop()
  chmodSync(dirname(folder), 0o700)
  await assertFound(await start(folder))
})
