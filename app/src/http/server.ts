import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Config } from '../config.ts'
import { AppError } from '../domain/errors.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { PROBLEM_TYPE, problemText, rawProblem } from './problem.ts'
import { newRequestId, requestIdOf } from './request-id.ts'
import type { FullReason, WaitingLine } from './waiting-line.ts'

/** A client that was turned away is not read from for this long: asking again at once would cost as much as an answer. */
const SHED_PAUSE_MS = 100
const HEADER_BYTES_MAX = 16 * 1024
/** How often Node looks for connections that are over their time. */
const TIMEOUT_CHECK_MS = 1000

const detailByReason: Readonly<Record<FullReason, string>> = {
  requests: 'The waiting line is full.',
  age: 'Requests wait longer than they may.',
}

export interface ServerOptions {
  readonly config: Config
  readonly line: WaitingLine
  readonly metrics: HttpMetrics
}

/**
 * The HTTP/1.1 server in front of the framework: limits on connections, heads and times, and the door of the waiting
 * line. A request that does not fit is answered before anything of it has been routed, validated or read.
 */
export function createLimitedServer(handler: RequestListener, options: ServerOptions): Server {
  const { config, line, metrics } = options
  const server = createServer(
    {
      keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: config.HEADERS_TIMEOUT_MS,
      requestTimeout: config.REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      noDelay: true,
    },
    (request, response) => {
      const reason = isProbe(request.url) ? undefined : line.full()
      if (reason === undefined) return handler(request, response)
      metrics.shed(reason)
      shed(request, response, reason)
    },
  )
  server.maxConnections = config.CONNECTIONS_MAX
  server.on('drop', () => metrics.shed('connections'))
  server.on('checkExpectation', (request, response) => {
    const error = new AppError('expectation_failed', 'Expected no expectation but 100-continue.')
    answer(response, error, requestIdOf(request))
  })
  return server
}

/** Health is asked most urgently when the service is full; a balancer that gets no answer makes it worse. */
function isProbe(url: string | undefined): boolean {
  return url?.startsWith('/health') === true || url === '/metrics'
}

function shed(request: IncomingMessage, response: ServerResponse, reason: FullReason): void {
  answer(response, new AppError('overloaded', detailByReason[reason]), requestIdOf(request))
  const { socket } = request
  socket.pause()
  setTimeout(() => socket.resume(), SHED_PAUSE_MS)
}

function answer(response: ServerResponse, error: AppError, requestId: string): void {
  const body = problemText(error, requestId)
  response
    .writeHead(JSON.parse(body).status, {
      'content-type': PROBLEM_TYPE,
      'content-length': Buffer.byteLength(body),
      'x-request-id': requestId,
      'retry-after': '1',
    })
    .end(body)
}

/**
 * Answers what the HTTP parser has refused, and closes. A connection that has an answer under way is only closed:
 * a second answer in the middle of the first could be taken for part of it.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, metrics: HttpMetrics): void {
  metrics.clientError(error.code ?? 'unknown')
  const answering = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage?.headersSent === true
  if (error.code === 'ECONNRESET' || !socket.writable || answering) {
    socket.destroy()
    return
  }
  socket.end(rawProblem(clientProblem(error), newRequestId()), () => socket.destroy())
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
