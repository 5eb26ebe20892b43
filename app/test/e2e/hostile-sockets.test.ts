import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import { isAtRest } from '../support/figures.ts'
import { assertProblem } from '../support/problem.ts'
import { askRaw, connectRaw, requestBytes } from '../support/raw-client.ts'
import { type Service, startService } from '../support/service.ts'

const HOST = 'Host: test\r\n'
const MIB = 1024 * 1024

let service: Service
before(async () => {
  service = await startService()
})
after(() => service.kill())

async function statusOf(path: string): Promise<number | undefined> {
  return (await askRaw(service.port, requestBytes({ path })))?.status
}

async function isStored(id: string): Promise<boolean> {
  return (await statusOf(`/data/${id}`)) === 200
}

suite('a request that arrives too slowly is answered 408 and ended', { concurrency: true }, () => {
  const TIMEOUT_MS = 300
  /** Node looks once a second; the rest is for a busy machine. */
  const SLACK_MS = 4000
  const LONG = '60000'
  let slowHead: Service
  let slowBody: Service
  before(async () => {
    slowHead = await startService({ HEADERS_TIMEOUT_MS: String(TIMEOUT_MS), REQUEST_TIMEOUT_MS: LONG })
    slowBody = await startService({
      HEADERS_TIMEOUT_MS: String(TIMEOUT_MS),
      REQUEST_TIMEOUT_MS: String(TIMEOUT_MS),
    })
  })
  after(async () => {
    for (const impatient of [slowHead, slowBody]) {
      await waitUntil('all is at rest', () => isAtRest(impatient), { timeoutMs: SLACK_MS })
      await impatient.kill()
    }
  })

  /** Sends the text a byte at a time: the connection is never idle, and never done. */
  async function drip({ port }: Service, head: string, endless: string) {
    using client = await connectRaw(port)
    client.send(head)
    let at = 0
    const timer = setInterval(() => client.send(endless[at++ % endless.length] as string), 20)
    try {
      assertProblem(await client.answer({ withinMs: TIMEOUT_MS + SLACK_MS }), 'request_timeout')
      assert.equal(await client.ended(), '')
    } finally {
      clearInterval(timer)
    }
  }

  test('in its headers', () => drip(slowHead, `GET / HTTP/1.1\r\n${HOST}`, 'X-Slow: 1\r\n'))

  test('in its request line', () => drip(slowHead, 'GET /', 'a'))

  test('in the headers of the second request of a connection', async () => {
    using client = await connectRaw(slowHead.port)
    client.send(requestBytes({ path: '/health/live' }))
    assert.equal((await client.answer())?.status, 200)
    client.send('GET / HTTP/1.1\r\n')
    assertProblem(await client.answer({ withinMs: TIMEOUT_MS + SLACK_MS }), 'request_timeout')
    await client.ended()
  })

  test('when a connection says nothing at all', async () => {
    using client = await connectRaw(slowHead.port)
    await client.ended(TIMEOUT_MS + SLACK_MS)
  })

  test('in its body, of which nothing is stored', async () => {
    const head = `PUT /data/slow HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 99999\r\n\r\n`
    await drip(slowBody, head, '1')
    assertProblem(await askRaw(slowBody.port, requestBytes({ path: '/data/slow' })), 'not_found')
  })

  test('and an unread body never adds a second answer to the first', async () => {
    using client = await connectRaw(slowBody.port)
    client.send(
      requestBytes({ method: 'POST', path: '/health', body: '12345', headers: { 'Content-Length': '9' } }),
    )
    assertProblem(await client.answer(), 'method_not_allowed')
    assert.equal(await client.ended(TIMEOUT_MS + SLACK_MS), '')
  })
})

suite('what is too large gets an answer that its client can read', () => {
  for (const kib of [17, 64, 1024]) {
    test(`headers of ${kib} KiB: 431`, async () => {
      const answer = await askRaw(
        service.port,
        `GET / HTTP/1.1\r\n${HOST}X-Huge: ${'a'.repeat(kib * 1024)}\r\n\r\n`,
      )
      assertProblem(answer, 'headers_too_large')
    })
  }

  test('a path of 20 KiB: 431', async () => {
    const answer = await askRaw(service.port, requestBytes({ path: `/data/${'a'.repeat(20 * 1024)}` }))
    assertProblem(answer, 'headers_too_large')
  })

  for (const mib of [0.3, 1, 6]) {
    test(`a body of ${mib} MiB: 413 for a client that reads when all is sent, and nothing is stored`, async () => {
      using client = await connectRaw(service.port)
      client.socket.pause()
      const body = Buffer.alloc(mib * MIB, '1')
      await client.sent(requestBytes({ method: 'PUT', path: '/data/large', body }))
      client.socket.resume()
      assertProblem(await client.answer(), 'too_large')
      assert.equal(await isStored('large'), false)
    })
  }

  test('a body without an end: 413, and the connection is cut', async () => {
    using client = await connectRaw(service.port)
    const head = `PUT /data/endless HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, '1'), Buffer.from('\r\n')])
    client.send(head)
    let sentBytes = 0
    while (!client.hasEnded && sentBytes < 200 * MIB) {
      sentBytes += chunk.length
      await client.sent(chunk)
    }
    assert.ok(sentBytes < 200 * MIB, `still reading after ${sentBytes} bytes`)
    // A client that writes on after the cut may lose what it has not read.
    const answer = await client.answer()
    if (answer !== undefined) assertProblem(answer, 'too_large')
    assert.equal(await isStored('endless'), false)
  })
})

suite('a body in broken chunks is answered 400, ended, and not stored', () => {
  const brokenChunks = [
    'zz\r\n1\r\n0\r\n\r\n',
    '-1\r\n1\r\n0\r\n\r\n',
    '0x1\r\n1\r\n0\r\n\r\n',
    ' 1\r\n1\r\n0\r\n\r\n',
    '1 \r\n1\r\n0\r\n\r\n',
    '+1\r\n1\r\n0\r\n\r\n',
    '1\n1\n0\n\n',
    '1;a\nb\r\n1\r\n0\r\n\r\n',
    '1\r\n11\r\n0\r\n\r\n',
    '1\r\n1XX0\r\n\r\n',
    '\r\n1\r\n0\r\n\r\n',
    'ffffffffffffffff1\r\n1\r\n0\r\n\r\n',
    '1\r\n1\r\n0\r\nno trailer\r\n\r\n',
  ]
  for (const chunks of brokenChunks) {
    test(JSON.stringify(chunks), async () => {
      using client = await connectRaw(service.port)
      const head = `PUT /data/chunks HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
      client.send(head + chunks)
      assertProblem(await client.answer(), 'bad_request')
      assert.equal(await client.ended(), '')
      assert.equal(await isStored('chunks'), false)
    })
  }
})

suite('a client that closes its side', () => {
  test('after a whole request still gets its answer', async () => {
    const requests = [
      { message: requestBytes({ path: '/health/live' }), status: 200 },
      { message: requestBytes({ path: '/data?limit=1000' }), status: 200 },
      { message: requestBytes({ method: 'PUT', path: '/data/finished', body: '1' }), status: 201 },
    ]
    for (const { message, status } of requests) {
      using client = await connectRaw(service.port)
      client.send(message)
      client.finish()
      assert.equal((await client.answer())?.status, status)
      assert.equal(await client.ended(), '')
    }
  })

  const head = `PUT /data/half HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`
  const halves = {
    'in the middle of a body': `${head}Content-Length: 10\r\n\r\n12345`,
    'in the middle of a chunk': `${head}Transfer-Encoding: chunked\r\n\r\na\r\n12345`,
    'before the last chunk': `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n`,
    'in the middle of its headers': head,
  }
  for (const [when, half] of Object.entries(halves)) {
    test(`${when} has stored nothing and holds nothing`, async () => {
      using finishing = await connectRaw(service.port)
      finishing.send(half)
      finishing.finish()
      const answer = await finishing.answer()
      if (answer !== undefined) assertProblem(answer, 'bad_request')
      await finishing.ended()

      using resetting = await connectRaw(service.port)
      await resetting.sent(half)
      resetting.socket.resetAndDestroy()

      assert.equal(await isStored('half'), false)
      await waitUntil('all is at rest', () => isAtRest(service), { timeoutMs: 5000 })
    })
  }
})

suite('what is not HTTP/1.1 as it should be is answered 400 and ended', () => {
  const messages = {
    'a request without Host': 'GET / HTTP/1.1\r\n\r\n',
    'a request with two Hosts': `GET / HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`,
    'HTTP/0.9': `GET / HTTP/0.9\r\n${HOST}\r\n`,
    'HTTP/1.2': `GET / HTTP/1.2\r\n${HOST}\r\n`,
    'HTTP/2.0 in the form of HTTP/1': `GET / HTTP/2.0\r\n${HOST}\r\n`,
    'HTTP/3.0': `GET / HTTP/3.0\r\n${HOST}\r\n`,
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    'a protocol in lower case': `GET / http/1.1\r\n${HOST}\r\n`,
    'a TLS client': '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
    'a space in the path': `GET /a b HTTP/1.1\r\n${HOST}\r\n`,
    'a NUL in a header': `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`,
    'an unknown method': `GETT / HTTP/1.1\r\n${HOST}\r\n`,
  }
  for (const [what, message] of Object.entries(messages)) {
    test(what, async () => {
      using client = await connectRaw(service.port)
      client.send(Buffer.from(message, 'latin1'))
      assertProblem(await client.answer(), 'bad_request')
      assert.equal(await client.ended(), '')
    })
  }

  test('but HTTP/1.0 without Host is served, and ended', async () => {
    using client = await connectRaw(service.port)
    client.send('GET /health/live HTTP/1.0\r\n\r\n')
    assert.equal((await client.answer())?.status, 200)
    assert.equal(await client.ended(), '')
  })
})
