import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '../domain/errors.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { rawProblem } from './problem.ts'
import { newRequestId } from './request-id.ts'

export const HEADER_BYTES_MAX = 16 * 1024

/** What a client may still send, and for how long, while its refusal is on its way to it. */
const DISCARD_BYTES_MAX = 8 * 1024 * 1024
const LINGER_MS = 500

/** A client that sends this many requests ahead is not read from until it has got some answers. */
const REQUESTS_AHEAD_MAX = 16

/** What a connection's requests have to know of each other. */
export interface Connection extends Socket {
  /** The answer to the latest request. */
  latest?: ServerResponse
  /** What `latest` has waited for; until it is closed, the turn of `latest` has not come. */
  previous?: ServerResponse
  /** How many requests wait for their turn. */
  ahead?: number
  /** It sends a body that may take as long as it comes on. */
  isUploading?: boolean
  /** When the latest answer was complete: the next request of a client that waits for answers came after that. */
  answeredMs?: number
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
    if (before === undefined) handler(request, response)
    else if (!before.writableFinished) waitForTurn(connection, before, () => handler(request, response))
    else if (goesOnBehind(before)) handler(request, response)
  }
}

/** What comes behind an answer that ends its connection is not looked at (RFC 9112, section 9.6). */
function goesOnBehind(before: ServerResponse): boolean {
  return before.shouldKeepAlive
}

function waitForTurn(connection: Connection, before: ServerResponse, handle: () => void): void {
  connection.previous = before
  connection.ahead = (connection.ahead ?? 0) + 1
  if (connection.ahead >= REQUESTS_AHEAD_MAX) connection.pause()
  before.once('close', () => {
    connection.ahead = (connection.ahead ?? 1) - 1
    if (connection.ahead < REQUESTS_AHEAD_MAX) connection.resume()
    if (!connection.destroyed && goesOnBehind(before)) handle()
  })
}

/**
 * Answers what the HTTP parser has refused or timed out, and closes the connection. Requests before it keep their
 * answers, and a request that was answered before it had been read gets no second answer: a proxy could take it for
 * the answer to another.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, metrics: HttpMetrics): void {
  const { latest, previous, isUploading }: Connection = socket
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isUploading) return
  metrics.clientError(error.code ?? 'unknown')
  const refuse = () => {
    // The fault is in the body of a request whose answer has begun.
    const isAnswered = latest?.req.complete === false && latest.headersSent
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) return socket.destroy()
    endGently(socket, rawProblem(clientProblem(error), newRequestId()))
  }
  const before = latest?.req.complete === false ? previous : latest
  if (before === undefined || before.closed) refuse()
  else before.once('close', refuse)
}

/**
 * Ends the connection with `answer` so that its client can read it: closing with bytes unread would reset the
 * connection, and a reset takes the answer with it (RFC 9112, section 9.6). What still comes is thrown away.
 */
function endGently(socket: Socket, answer: string): void {
  socket.removeAllListeners('data')
  socket.removeAllListeners('end')
  let discarded = 0
  socket.on('data', (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > DISCARD_BYTES_MAX) socket.destroy()
  })
  socket.once('end', () => socket.destroy())
  socket.end(answer)
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
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
