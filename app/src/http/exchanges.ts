import type { onRequestHookHandler, preValidationHookHandler, RouteOptions } from 'fastify'
import type { Connection } from './connection.ts'
import type { RouteContext } from './context.ts'
import { Exchange } from './exchange.ts'
import type { Reply, Request } from './framework.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { principalOf } from './principal.ts'
import type { WaitingLine } from './waiting-line.ts'

export interface Exchanges {
  /** Has requests of a new route know it, and enter the line as soon as they are whole. */
  ofRoute(route: RouteOptions): void
  begin(request: Request, reply: Reply): void
  /** Resolves as soon as no request is without its whole answer. */
  finished(): Promise<void>
}

/** Their requests are whole with their heads: the framework never reads a body of theirs. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** What happens around every request: its id, its principal, its place in line, its metrics and its line in the log. */
export function createExchanges(
  { config, output }: RouteContext,
  line: WaitingLine,
  metrics: HttpMetrics,
): Exchanges {
  let open = 0
  let onFinished: (() => void) | undefined

  function begin(request: Request, reply: Reply): void {
    open++
    metrics.inFlight(open)
    request.exchange = new Exchange(reply.raw, line, config.ANSWER_TIMEOUT_MS)
    request.principal = principalOf()
    reply.header('x-request-id', request.id)
    // A request whose body is given up in the middle has no socket any more.
    const connection: Connection = request.raw.socket
    reply.raw.on('close', () => end(request, reply, connection))
  }

  function end(request: Request, reply: Reply, connection: Connection): void {
    const { exchange } = request
    exchange.close()
    open--
    metrics.inFlight(open)
    if (open === 0) onFinished?.()
    const endMs = performance.now()
    const durationMs = endMs - exchange.startMs
    connection.answeredMs = endMs
    const complete = reply.raw.writableFinished
    if (complete) metrics.answered(request.method, exchange.route, reply.statusCode, durationMs / 1000)
    else metrics.aborted()
    output.request({
      endMs,
      reqId: request.id,
      method: request.method,
      path: pathOf(request.url),
      status: reply.statusCode,
      durationMs,
      complete,
    })
  }

  function ofRoute(route: RouteOptions): void {
    const pattern = route.url
    const isBodiless = [route.method].flat().every((method) => BODILESS.has(method))
    const begun: onRequestHookHandler = ({ exchange }, _reply, done) => {
      // Asked of the request, the framework would make a dozen of its route's options anew each time.
      exchange.route = pattern
      if (isBodiless) exchange.enterLine()
      done()
    }
    route.onRequest = [begun, ...[route.onRequest ?? []].flat()]
    if (isBodiless) return
    const read: preValidationHookHandler = ({ exchange }, _reply, done) => {
      exchange.enterLine()
      done()
    }
    route.preValidation = [read, ...[route.preValidation ?? []].flat()]
  }

  return {
    begin,
    ofRoute,
    async finished() {
      const { promise, resolve } = Promise.withResolvers<void>()
      onFinished = resolve
      if (open > 0) await promise
    },
  }
}

/** Without the query, which may hold what a log should not. */
function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
