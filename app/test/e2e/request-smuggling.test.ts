import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { assertProblem } from '../support/problem.ts'
import { askRaw, connectRaw, requestBytes } from '../support/raw-client.ts'
import { type Service, startService } from '../support/service.ts'

/**
 * A balancer and the service that disagree about where a request ends let one client speak in another's name
 * (RFC 9112, section 11.2). So a message whose end can be told in two ways is refused as a whole.
 */

let service: Service
before(async () => {
  service = await startService()
})
after(() => service.kill())

const HOST = 'Host: test\r\n'
let tests = 0

/** Two writes that no other test makes: the one that `head` begins, and the one that is hidden behind it. */
function writes() {
  const prefix = `test-${++tests}-`
  const hidden = requestBytes({ method: 'PUT', path: `/data/${prefix}hidden`, body: '1' }).toString()
  return { seen: `/data/${prefix}seen`, hidden, prefix }
}

async function assertNothingStored(prefix: string): Promise<void> {
  const answer = await askRaw(service.port, requestBytes({ path: `/data?prefix=${prefix}` }))
  assert.equal(answer?.body.toString(), '{"items":[],"next":null}')
}

/** One problem, the end of the connection, and no effect. */
async function assertRefused(message: (seen: string) => string): Promise<void> {
  const { seen, hidden, prefix } = writes()
  using client = await connectRaw(service.port)
  client.send(Buffer.from(message(seen) + hidden, 'latin1'))
  assertProblem(await client.answer(), 'bad_request')
  assert.equal(await client.ended(), '')
  await assertNothingStored(prefix)
}

suite('headers that leave the end of the body in doubt are refused, with what follows them', () => {
  const ambiguous = [
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 5',
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5\r\nContent-Length: 5',
    'Content-Length: 5, 5',
    'Content-Length: 5, 6',
    'Content-Length: +5',
    'Content-Length: -5',
    'Content-Length: 0x5',
    'Content-Length: 5 5',
    'Content-Length: 5.0',
    'Content-Length: 5e0',
    'Content-Length: ',
    'Content-Length: 18446744073709551621',
    'Content-Length : 5',
    ' Content-Length: 5',
    'Content-Length\t: 5',
    'Content-Length: 5\0',
    'Content-Length:\r\n 5',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    ' Transfer-Encoding: chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding: \x0cchunked',
    'Transfer-Encoding: chunked\0',
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding: 'chunked'",
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunkedx',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nContent-Length: 5',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: x, chunked',
    'Transfer-Encoding: , chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding',
    'Expect: 200-ok\r\nTransfer-Encoding: identity, chunked',
    'Expect: 100-continue\r\nTransfer-Encoding: identity, chunked',
    'Upgrade: h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: identity, chunked',
    'X: a\r\n Transfer-Encoding: chunked',
    'X: a\r\n b\r\nTransfer-Encoding: chunked',
    'X: a\nTransfer-Encoding: chunked',
    'X: a\rTransfer-Encoding: chunked',
    'X: a\n\nTransfer-Encoding: chunked',
    ': a\r\nTransfer-Encoding: chunked',
    'X\0: a\r\nTransfer-Encoding: chunked',
  ]
  for (const headers of ambiguous) {
    test(JSON.stringify(headers), () =>
      assertRefused(
        (seen) =>
          `PUT ${seen} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${headers}\r\n\r\n1\r\n1\r\n0\r\n\r\n`,
      ),
    )
  }

  test('a chunked body in HTTP/1.0, which has none', () =>
    assertRefused(
      (seen) =>
        `PUT ${seen} HTTP/1.0\r\n${HOST}Content-Type: application/json\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n`,
    ))

  test('header lines that end in a bare LF', () =>
    assertRefused((seen) => `PUT ${seen} HTTP/1.1\n${HOST.replace('\r', '')}Content-Length: 0\n\n`))
})

suite('a body never becomes a request', () => {
  const carriers = {
    'GET /health/live': 200,
    'GET /data/none': 404,
    'POST /health': 405,
    'DELETE /data/none': 415,
  }
  for (const [requestLine, status] of Object.entries(carriers)) {
    test(`of ${requestLine}`, async () => {
      const { hidden, prefix } = writes()
      using client = await connectRaw(service.port)
      client.send(`${requestLine} HTTP/1.1\r\n${HOST}Content-Length: ${hidden.length}\r\n\r\n${hidden}`)
      assert.equal((await client.answer())?.status, status)
      client.send(`GET /health/live HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
      const next = await client.answer()
      assert.ok(next === undefined || next.status === 200)
      assert.equal(await client.ended(), '')
      await assertNothingStored(prefix)
    })
  }
})

test('nothing behind a request that closes the connection takes effect', async () => {
  const { hidden, prefix } = writes()
  using client = await connectRaw(service.port)
  client.send(`GET /health/live HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${hidden}`)
  assert.equal((await client.answer())?.status, 200)
  assert.equal(await client.ended(), '')
  await assertNothingStored(prefix)
})

test('nothing behind an answer that closes the connection takes effect', async () => {
  const { hidden, seen, prefix } = writes()
  using client = await connectRaw(service.port)
  const body = JSON.stringify('x'.repeat(300 * 1024))
  client.send(Buffer.concat([requestBytes({ method: 'PUT', path: seen, body }), Buffer.from(hidden)]))
  const answer = await client.answer()
  assertProblem(answer, 'too_large')
  if (answer?.headers.get('connection') === 'close') {
    assert.equal(await client.ended(), '')
    await assertNothingStored(prefix)
  }
})

test('a body in chunks is taken as one value, however its header is written', async () => {
  for (const header of [
    'Transfer-Encoding: chunked',
    'tRANSFER-eNCODING:\tcHUNKED  ',
    'Transfer-Encoding:chunked',
  ]) {
    using client = await connectRaw(service.port)
    const head = `PUT /data/chunked HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${header}\r\n\r\n`
    client.send(`${head}2;ext=1\r\n[1\r\n1\r\n]\r\n0\r\nX-Trailer: 1\r\n\r\n`)
    const answer = await client.answer()
    assert.ok(answer?.status === 201 || answer?.status === 200, header)
    assert.ok(answer.body.includes('"value":[1],'), header)
  }
})
