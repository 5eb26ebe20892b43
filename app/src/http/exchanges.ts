import type { Connection } from './connection.ts'
import type { RouteContext } from './context.ts'
import { Exchange } from './exchange.ts'
import type { Reply, Request } from './framework.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { principalOf } from './principal.ts'
import type { WaitingLine } from './waiting-line.ts'

export interface Exchanges {
  begin(request: Request, reply: Reply): void
  /** Resolves as soon as no request is without its whole answer. */
  finished(): Promise<void>
}

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
    reply.raw.on('close', () => end(request, reply))
  }

  function end(request: Request, reply: Reply): void {
    const { exchange } = request
    exchange.close()
    open--
    metrics.inFlight(open)
    if (open === 0) onFinished?.()
    const endMs = performance.now()
    const durationMs = endMs - exchange.startMs
    const connection: Connection = request.raw.socket
    connection.answeredMs = endMs
    const complete = reply.raw.writableFinished
    const route = request.routeOptions.url ?? 'none'
    if (complete) metrics.answered(request.method, route, reply.statusCode, durationMs / 1000)
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

  return {
    begin,
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
