import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '../domain/errors.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { rawProblem } from './problem.ts'
import { newRequestId } from './request-id.ts'

export const HEADER_BYTES_MAX = 16 * 1024

/** A client that sends this many requests ahead is not read from until it has got some answers. */
const REQUESTS_AHEAD_MAX = 16

/** A connection, with the answer to the latest request that came on it. */
interface Connection extends Socket {
  latest?: ServerResponse
  ahead?: number
}

/**
 * Has requests that were sent ahead on one connection handled one after the other: a client that pipelines a write
 * and a read expects to read what it wrote (RFC 9112, section 9.3.2).
 */
export function inTurn(handler: RequestListener): RequestListener {
  return (request, response) => {
    const connection: Connection = request.socket
    const before = connection.latest
    connection.latest = response
    if (before === undefined) return handler(request, response)
    if (before.writableFinished) return goOn(before, () => handler(request, response))
    waitForTurn(connection, before, () => handler(request, response))
  }
}

/** What comes behind an answer that ends its connection is not looked at (RFC 9112, section 9.6). */
function goOn(before: ServerResponse, handle: () => void): void {
  if (before.shouldKeepAlive) handle()
}

function waitForTurn(connection: Connection, before: ServerResponse, handle: () => void): void {
  connection.ahead = (connection.ahead ?? 0) + 1
  if (connection.ahead >= REQUESTS_AHEAD_MAX) connection.pause()
  before.once('close', () => {
    connection.ahead = (connection.ahead ?? 1) - 1
    if (connection.ahead < REQUESTS_AHEAD_MAX) connection.resume()
    if (!connection.destroyed) goOn(before, handle)
  })
}

/**
 * Answers what the HTTP parser has refused or timed out, and closes the connection. Requests before it keep their
 * answers, and a request that was answered before it had been read gets no second answer: a proxy could take it for
 * the answer to another.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, metrics: HttpMetrics): void {
  metrics.clientError(error.code ?? 'unknown')
  const { latest }: Connection = socket
  const refuse = () => {
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy()
    socket.end(rawProblem(clientProblem(error), newRequestId()), () => socket.destroy())
  }
  if (latest === undefined) return void refuse()
  const request: IncomingMessage = latest.req
  if (!request.complete) return void (latest.headersSent ? socket.destroy() : refuse())
  if (latest.writableFinished) return void refuse()
  latest.once('close', refuse)
}

function clientProblem(error: NodeJS.ErrnoException): AppError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError(
        'headers_too_large',
        `Expected a request line and headers of at most ${HEADER_BYTES_MAX} bytes.`,
      )
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new AppError('too_large', 'Expected shorter chunk extensions.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('request_timeout', 'The request took too long to arrive.')
    default:
      return new AppError('bad_request', 'Expected a well-formed HTTP/1.1 request (RFC 9112).')
  }
}
