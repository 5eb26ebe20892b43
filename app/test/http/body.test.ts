import assert from 'node:assert/strict'
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { AppError, type ErrorCode } from '../../src/domain/errors.ts'
import { readText } from '../../src/http/body.ts'
import { Exchange } from '../../src/http/exchange.ts'
import { createWaitingLine } from '../../src/http/waiting-line.ts'

const MIB = 1024 * 1024

/** A body that arrives as `send` is called, of at most 10 bytes, with a memory budget of `budget` bytes. */
function arrivingBody(budget = 1000) {
  const line = createWaitingLine({ requestsMax: 10, bytesMax: budget, ageMaxMs: 1000 })
  const message = new IncomingMessage(new Socket())
  const exchange = new Exchange(new ServerResponse(message), line, 1000)
  const text = readText(message, 10, exchange)
  // A rejection may come before the test looks for it.
  text.catch(() => {})
  const send = (...chunks: (string | Buffer)[]) => {
    for (const chunk of chunks) message.push(Buffer.from(chunk))
  }
  return { line, message, exchange, text, send, end: () => message.push(null) }
}

function isError(code: ErrorCode) {
  return (error: AppError) => error instanceof AppError && error.code === code
}

test('a body is the text of its chunks, also when a character is cut in two', async () => {
  const { text, send, end } = arrivingBody()
  send('"', Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1), '"')
  end()
  assert.equal(await text, '"é"')
})

test('a body of no bytes is empty text', async () => {
  const { text, end } = arrivingBody()
  end()
  assert.equal(await text, '')
})

test('every byte is held from its arrival until the exchange is closed', async () => {
  const { line, message, exchange, text, send, end } = arrivingBody()
  const arrival = once(message, 'data')
  send('1234')
  await arrival
  assert.equal(line.bytes, 4)
  send('5678')
  end()
  await text
  assert.equal(line.bytes, 8)
  exchange.close()
  assert.equal(line.bytes, 0)
})

test('a body for which there is no memory left is refused as `overloaded`', async () => {
  const { line, text, send, end } = arrivingBody(6)
  send('1234', '5678')
  end()
  await assert.rejects(text, isError('overloaded'))
  assert.ok(line.bytes <= 6)
})

test('a body of the limit is taken, and one byte more is `too_large`', async () => {
  const fits = arrivingBody()
  fits.send('1234567890')
  fits.end()
  assert.equal(await fits.text, '1234567890')
  const tooLarge = arrivingBody()
  tooLarge.send('1234567890', '1')
  tooLarge.end()
  await assert.rejects(tooLarge.text, isError('too_large'))
})

test('what comes behind the limit is thrown away, and is not for ever', async () => {
  const { line, text, send } = arrivingBody()
  for (let sent = 0; sent < 10; sent++) send(Buffer.alloc(MIB))
  await assert.rejects(text, isError('too_large'))
  assert.ok(line.bytes <= 10)
})

test('what is not UTF-8 is `invalid_json`', async () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    const { text, send, end } = arrivingBody()
    send(Buffer.from(bytes))
    end()
    await assert.rejects(text, isError('invalid_json'))
  }
})

test('a body that breaks off is `bad_request`', async () => {
  const { message, text, send } = arrivingBody()
  send('12')
  message.destroy(new Error('aborted'))
  await assert.rejects(text, isError('bad_request'))
})
