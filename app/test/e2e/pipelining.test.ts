import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import { isAtRest, metricsOf, residentMib } from '../support/figures.ts'
import { assertProblem } from '../support/problem.ts'
import { askRaw, connectRaw, requestBytes } from '../support/raw-client.ts'
import { type Service, startService } from '../support/service.ts'

let service: Service
before(async () => {
  service = await startService()
})
after(() => service.kill())

const put = (id: string, body: string) => requestBytes({ method: 'PUT', path: `/data/${id}`, body })
const get = (id: string) => requestBytes({ path: `/data/${id}` })

async function storedValue(id: string): Promise<unknown> {
  const answer = await askRaw(service.port, get(id))
  return answer?.status === 200 ? JSON.parse(answer.body.toString()).value : undefined
}

async function newestCursor(): Promise<string> {
  const answer = await askRaw(service.port, requestBytes({ path: '/changes?limit=1000' }))
  return JSON.parse(answer?.body.toString() ?? '{}').next
}

suite('requests that are sent without waiting for answers', () => {
  test('are answered in their order, and each sees what those before it wrote', async () => {
    const count = 200
    using client = await connectRaw(service.port)
    const requests = Array.from({ length: count }, (_, n) => [put('one', String(n)), get('one')]).flat()
    client.send(Buffer.concat(requests))
    for (let n = 0; n < count; n++) {
      assert.equal((await client.answer())?.status, n === 0 ? 201 : 200)
      const read = await client.answer()
      assert.equal(JSON.parse(read?.body.toString() ?? 'null').value, n)
    }
  })

  test('are answered in their order when the first waits longest', async () => {
    using client = await connectRaw(service.port)
    const next = await newestCursor()
    client.send(requestBytes({ path: `/changes?wait=50&after=${next}` }))
    client.send(requestBytes({ path: '/health/live' }))
    await waitUntil(
      'the poll waits',
      async () => (await metricsOf(service)).get('http_requests_in_flight') !== 1,
      {
        timeoutMs: 5000,
      },
    )
    await askRaw(service.port, put('wake', '1'))
    assert.match((await client.answer())?.body.toString() ?? '', /"changes":\[\{/)
    assert.match((await client.answer())?.body.toString() ?? '', /"status":"ok"/)
  })

  const rubbish = [
    'garbage garbage\r\n\r\n',
    'GET / HTTP/1.1\r\nBad Header: 1\r\n\r\n',
    '\0\0\0\0',
    'PUT /data/broken HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  ]
  for (const [n, behind] of rubbish.entries()) {
    test(`and ${JSON.stringify(behind)} behind them does not change their answers`, async () => {
      using client = await connectRaw(service.port)
      client.send(Buffer.concat([put(`before-${n}`, '1'), Buffer.from(behind)]))
      const answer = await client.answer()
      // Without an answer the client knows that it does not know. With an error it would believe that nothing happened.
      if (answer !== undefined) assert.equal(answer.status, 201)
      const second = await client.answer()
      if (second !== undefined) assertProblem(second, 'bad_request')
      assert.equal(await client.ended(), '')
      assert.equal(await storedValue('broken'), undefined)
    })

    test(`and ${JSON.stringify(behind)} behind a poll is not its answer`, async () => {
      using client = await connectRaw(service.port)
      const next = await newestCursor()
      client.send(
        Buffer.concat([requestBytes({ path: `/changes?wait=50&after=${next}` }), Buffer.from(behind)]),
      )
      const inFlight = async () => (await metricsOf(service)).get('http_requests_in_flight')
      await waitUntil('the poll waits', async () => client.hasEnded || (await inFlight()) !== 1, {
        timeoutMs: 5000,
      })
      await askRaw(service.port, put('wake', String(n)))
      const answer = await client.answer()
      if (answer !== undefined) assert.equal(answer.status, 200)
      const second = await client.answer()
      if (second !== undefined) assertProblem(second, 'bad_request')
      assert.equal(await client.ended(), '')
    })
  }
})

suite('a client that does not read its answers', () => {
  const VALUE = JSON.stringify('x'.repeat(256 * 1024 - 2))
  const MEMORY_MIB_MAX = 400
  before(() => askRaw(service.port, put('large', VALUE)))

  async function assertOthersAreServed(): Promise<void> {
    assert.equal((await storedValue('large')) as string, JSON.parse(VALUE))
    assert.equal((await askRaw(service.port, put('other', VALUE)))?.status.toString()[0], '2')
    assert.ok((await residentMib(service)) < MEMORY_MIB_MAX)
  }

  async function assertBackToRest(): Promise<void> {
    await waitUntil('all is at rest', () => isAtRest(service), { timeoutMs: 10_000 })
  }

  test('of thousands of requests takes nothing from others, and can read them in the end', async () => {
    const count = 4000
    using client = await connectRaw(service.port)
    client.socket.pause()
    client.send(Buffer.concat(Array.from({ length: count }, () => get('large'))))
    await waitUntil(
      'an answer is stuck',
      async () => ((await metricsOf(service)).get('http_line_bytes') ?? 0) > 0,
      {
        timeoutMs: 10_000,
      },
    )
    for (let round = 0; round < 5; round++) await assertOthersAreServed()

    client.socket.resume()
    for (let n = 0; n < 200; n++) assert.equal((await client.answer())?.status, 200)
    client.destroy()
    await assertBackToRest()
  })

  test('has many friends, who do not either', async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => connectRaw(service.port)))
    const requests = Buffer.concat(Array.from({ length: 200 }, () => get('large')))
    for (const client of clients) {
      client.socket.pause()
      client.send(requests)
    }
    const held = async () => (await metricsOf(service)).get('http_line_requests') ?? 0
    await waitUntil('many answers are stuck', async () => (await held()) > 50, { timeoutMs: 10_000 })
    await assertOthersAreServed()
    for (const client of clients) client.destroy()
    await assertBackToRest()
  })
})
