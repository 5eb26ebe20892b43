import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import { parseConfig } from '../../src/config.ts'
import { createHttpMetrics } from '../../src/http/http-metrics.ts'
import { createLimitedServer } from '../../src/http/server.ts'
import { createWaitingLine } from '../../src/http/waiting-line.ts'

const config = parseConfig({})

/** A server in front of `handler` whose line has one place, and that place. */
function serverWithOnePlace(handler: RequestListener) {
  const line = createWaitingLine({ requestsMax: 1, bytesMax: 1000, ageMaxMs: 60_000 })
  const metrics = createHttpMetrics(new Registry(), line)
  const server = createLimitedServer(handler, { config, line, metrics })
  const fill = () => line.enter({ startMs: performance.now(), before: undefined, behind: undefined })
  return { server, fill }
}

/** Starts the server with a full line, and answers what a request gets. */
async function askFull(t: TestContext, path: string, headers: Record<string, string> = {}) {
  const handled: string[] = []
  const { server, fill } = serverWithOnePlace(({ url = '' }, response) => {
    handled.push(url)
    response.end('handled')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  fill()
  const { port } = server.address() as AddressInfo
  const sent = request({ port, path, headers, agent: false }).end()
  const [answer] = await once(sent, 'response')
  const chunks: Buffer[] = await answer.toArray()
  return { answer, body: Buffer.concat(chunks).toString(), handled }
}

test('an idle connection is kept for longer than a balancer keeps it', () => {
  const { server } = serverWithOnePlace(() => {})
  assert.equal(server.keepAliveTimeout, config.KEEP_ALIVE_TIMEOUT_MS)
  assert.ok(server.keepAliveTimeout > 60_000)
})

test('heads, requests and connections are bounded as configured', () => {
  const { server } = serverWithOnePlace(() => {})
  assert.deepEqual(
    [server.headersTimeout, server.requestTimeout, server.maxConnections],
    [config.HEADERS_TIMEOUT_MS, config.REQUEST_TIMEOUT_MS, config.CONNECTIONS_MAX],
  )
})

test('a request that finds the line full is answered before anything has looked at it', async (t) => {
  const { answer, body, handled } = await askFull(t, '/data/%zz', { 'x-request-id': 'mine' })
  assert.deepEqual(handled, [])
  assert.equal(answer.statusCode, 503)
  assert.equal(answer.headers['retry-after'], '1')
  assert.equal(answer.headers['x-request-id'], 'mine')
  assert.deepEqual(JSON.parse(body).code, 'overloaded')
})

for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) {
  test(`${path} is let through when the line is full`, async (t) => {
    assert.deepEqual((await askFull(t, path)).handled, [path])
  })
}
