import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../local/wait.ts'
import { within } from '../support/deadline.ts'
import { isAtRest, openFiles } from '../support/figures.ts'
import { connectRaw, requestBytes } from '../support/raw-client.ts'
import { startService } from '../support/service.ts'

const IDLE = 10_000
const SLOW = 500
/** Open files that come and go by themselves. */
const NEARLY = 10
/** Below the kernel's queue of connections that nobody has accepted yet. */
const OPENING_AT_ONCE = 200
/** Sockets of this process, and what else it has open. */
const FILES_NEEDED = IDLE + SLOW + 200

/** Node raises its own soft limit to the hard one at its start. */
function assertEnoughFiles(): void {
  const { userLimits } = process.report.getReport() as {
    userLimits: { open_files: { soft: number | 'unlimited' } }
  }
  const { soft } = userLimits.open_files
  assert.ok(
    soft === 'unlimited' || soft >= FILES_NEEDED,
    `a process may open ${soft} files, and this test needs ${FILES_NEEDED}: run \`ulimit -Hn 65536\` as root, or raise "nofile" in /etc/security/limits.conf`,
  )
}

const idleRequest = requestBytes({ path: '/health/live' })

/** A connection that has had one answer and stays. It costs a socket and one small function. */
async function openIdle(port: number): Promise<Socket> {
  const socket = await open(port)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('data', (chunk) => {
    if (chunk.toString('latin1', 0, 15) === 'HTTP/1.1 200 OK') resolve()
    else reject(new Error(chunk.toString()))
  })
  socket.write(idleRequest)
  await promise
  return socket
}

async function open(port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(port, '127.0.0.1', resolve)
  socket.once('error', reject)
  socket.once('close', () => reject(new Error('the service closed the connection')))
  await promise
  return socket
}

/** Opens `count` connections, `OPENING_AT_ONCE` at a time. */
async function openMany(count: number, openOne: () => Promise<Socket>): Promise<Socket[]> {
  const sockets: Socket[] = []
  let begun = 0
  const opener = async () => {
    while (begun++ < count) sockets.push(await openOne())
  }
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, opener))
  return sockets
}

/** The time of a request on a connection of its own, as a client that comes now sees it. */
async function requestMs(port: number): Promise<number> {
  const startMs = performance.now()
  using client = await connectRaw(port)
  client.send(requestBytes({ path: '/data/1' }))
  assert.equal((await client.answer())?.status, 200)
  return performance.now() - startMs
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

test('10,000 idle connections and 500 that send their headers slowly do not slow down others, nor leak', async () => {
  assertEnoughFiles()
  await using service = await startService({
    SEED_DATA: 'true',
    HEADERS_TIMEOUT_MS: '60000',
    REQUEST_TIMEOUT_MS: '60000',
  })
  await requestMs(service.port)
  const filesBefore = openFiles(service)

  const idle = await within(
    30_000,
    'all idle connections are open',
    openMany(IDLE, () => openIdle(service.port)),
  )
  const slow = await within(
    10_000,
    'all slow connections are open',
    openMany(SLOW, () => open(service.port)),
  )
  for (const socket of slow) socket.write('GET / HTTP/1.1\r\nHost: test\r\n')
  let dripped = 0
  const drip = setInterval(() => {
    dripped++
    for (const socket of slow) socket.write('X')
  }, 200)

  try {
    await waitUntil('all are open at once', () => openFiles(service) > filesBefore + IDLE + SLOW - NEARLY, {
      timeoutMs: 5000,
    })
    const times: number[] = []
    while (times.length < 21 || dripped < 5) {
      times.push(await requestMs(service.port))
      await delay(20)
    }
    // The median: one pause of a busy machine is not the service's doing.
    assert.ok(median(times) < 100, `a request took ${Math.round(median(times))} ms`)
    assert.equal(
      [...idle, ...slow].filter((socket) => socket.closed).length,
      0,
      'no connection was closed meanwhile',
    )
  } finally {
    clearInterval(drip)
    for (const socket of [...idle, ...slow]) socket.destroy()
  }

  await waitUntil('every connection is closed', () => openFiles(service) < filesBefore + NEARLY, {
    timeoutMs: 15_000,
  })
  await waitUntil('all is at rest', () => isAtRest(service), { timeoutMs: 5000 })
  assert.equal((await service.stop()).code, 0)
})
