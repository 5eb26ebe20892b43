import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Config } from '../config.ts'
import { AppError } from '../domain/errors.ts'
import { type Connection, HEADER_BYTES_MAX, inTurn } from './connection.ts'
import { faultOf } from './framing.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { createServer } from './node-http.ts'
import { PROBLEM_TYPE, problemText, retryAfterHeader, statusByCode } from './problem.ts'
import { requestIdOf } from './request-id.ts'
import type { FullReason, WaitingLine } from './waiting-line.ts'

/** A client that was turned away is not read from for this long: asking again at once would cost as much as an answer. */
const SHED_PAUSE_MS = 100
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

  function refused(request: IncomingMessage, response: ServerResponse): boolean {
    const fault = faultOf(request)
    if (fault === undefined) return false
    metrics.clientError(fault.code)
    response.shouldKeepAlive = false
    answer(request, response, fault)
    return true
  }

  const server = createServer(
    {
      keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: config.HEADERS_TIMEOUT_MS,
      requestTimeout: config.REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      noDelay: true,
      // Node would answer without a body; faultOf judges it.
      requireHostHeader: false,
    },
    inTurn((request, response) => {
      if (refused(request, response)) return
      const reason = isProbe(request.url) ? undefined : line.full((request.socket as Connection).answeredMs)
      if (reason === undefined) return handler(request, response)
      metrics.shed(reason)
      shed(request, response, reason)
    }),
  )
  server.maxConnections = config.CONNECTIONS_MAX
  server.on('drop', () => metrics.shed('connections'))
  server.on(
    'checkExpectation',
    inTurn((request, response) => {
      if (refused(request, response)) return
      answer(
        request,
        response,
        new AppError('expectation_failed', 'Expected no expectation but 100-continue.'),
      )
    }),
  )
  return server
}

/** Health is asked most urgently when the service is full; a balancer that gets no answer makes it worse. */
function isProbe(url: string | undefined): boolean {
  return url?.startsWith('/health') === true || url === '/metrics'
}

function shed(request: IncomingMessage, response: ServerResponse, reason: FullReason): void {
  answer(request, response, new AppError('overloaded', detailByReason[reason]))
  const socket: Connection = request.socket
  socket.answeredMs = performance.now()
  socket.pause()
  setTimeout(() => socket.resume(), SHED_PAUSE_MS)
}

/** Answers without the framework. */
function answer(request: IncomingMessage, response: ServerResponse, error: AppError): void {
  const requestId = requestIdOf(request)
  const body = problemText(error, requestId)
  response.writeHead(statusByCode[error.code], {
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    ...retryAfterHeader(error.code),
  })
  response.end(body)
}
