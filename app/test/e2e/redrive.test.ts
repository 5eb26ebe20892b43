import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startProcess } from '../../../local/processes.ts'
import { waitUntil } from '../../../local/wait.ts'
import type { Queue } from '../../src/ports/queue.ts'
import { createDatabase, type Database } from '../support/postgres.ts'
import { startPostgresData } from '../support/postgres-store.ts'
import { bareEnvironment } from '../support/service.ts'
import { type SqsServer, startSqsServer } from '../support/sqs.ts'
import { startSqsQueue } from '../support/sqs-queue.ts'

const TOOL = join(import.meta.dirname, '../../src/redrive.ts')
const soon = { timeoutMs: 20_000 }

let server: SqsServer
let database: Database
before(async () => {
  ;[server, database] = await Promise.all([startSqsServer(), createDatabase()])
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

type Environment = Readonly<Record<string, string>>

/** Runs the tool as a user does. */
async function redrive(environment: Environment, ...args: readonly string[]) {
  const text = { stdout: '', stderr: '' }
  const tool = startProcess({
    command: process.execPath,
    args: [TOOL, ...args],
    env: { ...bareEnvironment(), ...environment },
    onLine: (line, stream) => {
      text[stream] += `${line}\n`
    },
  })
  const { code } = await tool.exited
  return { code, ...text }
}

/** Has messages with these bodies given up, for the reason that is their body. */
async function giveUp(queue: Queue, ...bodies: readonly string[]): Promise<void> {
  const consumer = queue.consume(
    async ({ message }) => ({ outcome: 'dead', reason: `a fault of ${message.body}` }),
    2,
  )
  await queue.send(bodies.map((body) => ({ type: 'kind', body })))
  await waitUntil(
    'they are given up',
    async () => (await queue.deadLetters.list(10)).length === bodies.length,
    soon,
  )
  await consumer.stop()
}

/** What comes to a worker. */
async function received(queue: Queue, count: number): Promise<string[]> {
  const bodies: string[] = []
  const consumer = queue.consume(async ({ message }) => {
    bodies.push(message.body)
    return { outcome: 'done' }
  }, 2)
  await waitUntil(`${count} are received`, async () => bodies.length >= count, soon)
  await consumer.stop()
  return bodies.toSorted()
}

async function seeTo(queue: Queue, environment: Environment): Promise<void> {
  assert.equal((await redrive(environment, 'list')).stdout, 'nothing was given up\n')
  await giveUp(queue, '"first"', '"second"', '"third"')
  // Letters that somebody has looked at are out of sight for a second.
  const lines = await waitUntil(
    'all are listed',
    async () => {
      const found = (await redrive(environment, 'list')).stdout.trimEnd().split('\n')
      return found.length === 3 && found
    },
    soon,
  )
  const letters = lines.map((line) => {
    const [, id = '', body = ''] =
      /^(\S+) {2}kind {2}1 attempts {2}\d{4}-\d\d-\d\dT\S+Z {2}a fault of (.*)$/.exec(line) ?? []
    return { id, body }
  })
  assert.deepEqual(letters.map(({ body }) => body).toSorted(), ['"first"', '"second"', '"third"'])

  const [chosen = { id: '', body: '' }, ...others] = letters
  const shown = await waitUntil(
    'one is shown',
    async () => {
      const { code, stdout } = await redrive(environment, 'show', chosen.id)
      return code === 0 && stdout
    },
    soon,
  )
  assert.deepEqual(shown.trimEnd().split('\n').at(-1), chosen.body)

  const returned = async (...args: readonly string[]) =>
    (await redrive(environment, 'return', ...args)).stdout
  await waitUntil('one is returned', async () => (await returned(chosen.id)) === 'returned 1 of 1\n', soon)
  assert.deepEqual(await received(queue, 1), [chosen.body])
  await waitUntil('so are the others', async () => (await returned('--all')) === 'returned 2\n', soon)
  assert.deepEqual(await received(queue, 2), others.map(({ body }) => body).toSorted())
  assert.equal((await redrive(environment, 'list')).stdout, 'nothing was given up\n')
}

test('what was given up is listed, shown, and returned to the workers: SQS (emulated)', async () => {
  const { environment } = await server.createQueue()
  const queue = await startSqsQueue(environment())
  await seeTo(queue, environment())
  queue.close()
})

test('what was given up is listed, shown, and returned to the workers: PostgreSQL', async () => {
  const environment = { DATABASE_URL: database.url }
  const { store, queue } = await startPostgresData(environment)
  await seeTo(queue, environment)
  await store.close()
})

test('a wish that cannot be understood, and a queue that is not named, say what to do', async () => {
  const { environment } = await server.createQueue()
  for (const args of [[], ['return'], ['show'], ['list', 'x'], ['return', 'x', '--all'], ['--what']]) {
    const { code, stderr } = await redrive(environment(), ...args)
    assert.equal(code, 64, args.join(' '))
    assert.match(stderr, /npm run redrive -- list/)
  }
  const unnamed = await redrive({}, 'list')
  assert.deepEqual(
    [unnamed.code, unnamed.stderr.split(':')[0]],
    [78, 'Set QUEUE_URL, or DATABASE_URL where there is no other queue'],
  )
  const missing = await redrive({ ...environment(), QUEUE_URL: `${environment().QUEUE_URL}-missing` }, 'list')
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /does not exist/)
  const unknown = await redrive(environment(), 'show', 'no-such-letter')
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /There is no dead letter no-such-letter/)
})
