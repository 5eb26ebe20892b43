import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { runService, startService } from '../support/service.ts'

test('a port that is taken ends it with 1 and says which', async () => {
  await using first = await startService()
  const { code, stderr } = await runService({ PORT: String(first.port) })
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`^Port ${first.port} is taken`))
  assert.doesNotMatch(stderr, /\n {4}at /, 'a stack tells its reader nothing')
})

test('a metrics port that is taken ends it with 1 and says which', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const { code, stderr } = await runService({ METRICS_PORT: String(port) })
  other.close()
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`^Port ${port} is taken`))
})

test('an address that is not of this machine ends it with 78 and says so', async () => {
  for (const HOST of ['192.0.2.1', 'nowhere.invalid']) {
    const { code, stderr } = await runService({ HOST })
    assert.equal(code, 78)
    assert.match(stderr, /^HOST is not an address of this machine[^\n]*\n$/)
  }
})

test('faults in the environment end it with 78, all of them by name, and none with its value', async () => {
  const faults = {
    PORT: 'hidden-1',
    ROLE: 'hidden-2',
    LOG_LEVEL: 'hidden-3',
    SEED_DATA: 'hidden-4',
    DRAIN_DELAY_MS: '-5',
    LINE_REQUESTS_MAX: '0',
    REDIS_URL: 'hidden-5',
    DATABASE_URL: 'postgres://user:hidden-6@localhost/x y',
    DATABASE_HOST: 'hidden-7',
  }
  const { code, stdout, stderr } = await runService(faults)
  assert.equal(code, 78)
  assert.equal(stdout, '')
  const named = stderr.split('\n').flatMap((line) => /^ {2}([A-Z_]+): expected /.exec(line)?.[1] ?? [])
  for (const name of Object.keys(faults)) {
    if (name !== 'DATABASE_URL') assert.ok(named.includes(name), `${name} in:\n${stderr}`)
  }
  assert.doesNotMatch(stderr, /hidden|-5/)
})

test('times that contradict each other are faults in the environment as well', async () => {
  const drain = await runService({ DRAIN_DELAY_MS: '5000', SHUTDOWN_TIMEOUT_MS: '5000' })
  assert.equal(drain.code, 78)
  assert.match(drain.stderr, /DRAIN_DELAY_MS/)
  // Node refuses to serve when a request may arrive in less time than its headers.
  const headers = await runService({ HEADERS_TIMEOUT_MS: '10000', REQUEST_TIMEOUT_MS: '5000' })
  assert.equal(headers.code, 78, headers.stderr)
  assert.match(headers.stderr, /HEADERS_TIMEOUT_MS/)
})
