import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { Exchange } from '../../src/http/exchange.ts'
import { createWaitingLine } from '../../src/http/waiting-line.ts'

function exchanges(count: number) {
  const line = createWaitingLine({ requestsMax: 10, bytesMax: 100, ageMaxMs: 1000 })
  const made = Array.from({ length: count }, () => {
    const socket = new Socket()
    const response = new ServerResponse(new IncomingMessage(socket))
    response.assignSocket(socket)
    return { socket, response, exchange: new Exchange(response, line, 500) }
  })
  return { line, made }
}

test('an exchange gives back its place and its bytes once, however often it leaves and is closed', () => {
  const { line, made } = exchanges(2)
  for (const { exchange } of made) {
    exchange.enterLine()
    exchange.hold(40)
  }
  const [first] = made
  first?.exchange.leaveLine()
  first?.exchange.close()
  first?.exchange.close()
  assert.deepEqual([line.length, line.bytes], [1, 40])
})

test('an exchange that never came to stand in line takes nobody else out of it', () => {
  const { line, made } = exchanges(2)
  const [waiting, refused] = made
  waiting?.exchange.enterLine()
  refused?.exchange.close()
  assert.equal(line.length, 1)
})

test('bytes that were refused are not given back', () => {
  const { line, made } = exchanges(2)
  const [large, small] = made
  small?.exchange.hold(40)
  assert.throws(() => large?.exchange.hold(80))
  large?.exchange.close()
  assert.equal(line.bytes, 40)
})

test('a client has left when its connection is gone', () => {
  const [one] = exchanges(1).made
  assert.equal(one?.exchange.left, false)
  one?.socket.destroy()
  assert.equal(one?.exchange.left, true)
})

test('the deadline is the answer timeout after the arrival', () => {
  const [one] = exchanges(1).made
  assert.equal(one?.exchange.deadlineMs, (one?.exchange.startMs ?? 0) + 500)
})
