import type { IncomingMessage, Server } from 'node:http'
import { fastify } from 'fastify'
import { readText } from './body.ts'
import type { RouteContext } from './context.ts'
import { problemHandlers, unsupportedMediaType } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { App, Reply, Request } from './framework.ts'
import { createHttpMetrics, type HttpMetrics } from './http-metrics.ts'
import { collectMethods } from './methods.ts'
import { principalOf } from './principal.ts'
import { requestIdOf } from './request-id.ts'
import { batchRoutes } from './routes/batch.ts'
import { changeRoutes } from './routes/changes.ts'
import { collectionRoutes } from './routes/collection.ts'
import { documentationRoutes } from './routes/documentation.ts'
import { itemRoutes } from './routes/item.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { serviceRoutes } from './routes/service.ts'
import { answerClientError, createLimitedServer } from './server.ts'
import { createValidatorCompiler } from './validation.ts'
import { createWaitingLine, type WaitingLine } from './waiting-line.ts'

/** A path is never longer than what a request's head may have, so that every id is judged by its schema. */
const PARAM_LENGTH_MAX = 16 * 1024

/** The API as a framework instance that is ready to listen. `beforeRoutes` may watch the routes being added. */
export async function createApp(
  context: RouteContext,
  beforeRoutes: (app: App) => Promise<void> = async () => {},
): Promise<App> {
  const { config, registry, output } = context
  const line = createWaitingLine({
    requestsMax: config.LINE_REQUESTS_MAX,
    bytesMax: config.LINE_BYTES_MAX,
    ageMaxMs: config.LINE_AGE_MAX_MS,
  })
  const metrics = createHttpMetrics(registry, line)
  const app: App = fastify({
    serverFactory: (handler): Server => createLimitedServer(handler, { config, line, metrics }),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, metrics),
    genReqId: requestIdOf,
    requestIdHeader: false,
    logger: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    frameworkErrors: (error, request, reply) => void app.errorHandler(error, request, reply),
  })
  app.setValidatorCompiler(createValidatorCompiler())
  // Answers are text already, or small: the schemas describe them and do not write them.
  app.setSerializerCompiler(() => JSON.stringify)
  problemHandlers(app, output.log)
  bodies(app)
  exchanges(app, context, line, metrics)

  const methods = collectMethods(app)
  await beforeRoutes(app)
  itemRoutes(app, context)
  collectionRoutes(app, context)
  batchRoutes(app, context)
  changeRoutes(app, context)
  serviceRoutes(app, context)
  documentationRoutes(app)
  if (config.METRICS_PORT === undefined || config.METRICS_PORT === config.PORT) metricsRoutes(app, registry)
  methods.addMissingMethods()
  await app.ready()
  return app
}

/** Bodies are JSON text in UTF-8. It is read as text, and stays text. */
function bodies(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    async (request: Request, payload: IncomingMessage) => {
      const { headers, routeOptions, exchange } = request
      const encoding = headers['content-encoding'] ?? 'identity'
      const charset = /charset="?([^";]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
      if (encoding !== 'identity' || charset.trim().toLowerCase() !== 'utf-8') throw unsupportedMediaType()
      const text = await readText(payload, routeOptions.bodyLimit, exchange)
      exchange.enterLine()
      return text
    },
  )
}

/** What happens around every request: its id, its place in line, its metrics and its line in the log. */
function exchanges(
  app: App,
  { config, state, output }: RouteContext,
  line: WaitingLine,
  metrics: HttpMetrics,
): void {
  app.decorateRequest('exchange')
  app.decorateRequest('principal')

  app.addHook('onRequest', (request, reply, done) => {
    metrics.begun()
    request.exchange = new Exchange(reply.raw, line, config.ANSWER_TIMEOUT_MS)
    request.principal = principalOf()
    reply.header('x-request-id', request.id)
    // On a connection that stays, a balancer would go on sending requests to a process that is about to leave.
    if (state.draining.aborted) reply.header('connection', 'close')
    reply.raw.on('close', () => closed(request, reply))
    if (!hasBody(request)) request.exchange.enterLine()
    done()
  })
  function closed(request: Request, reply: Reply): void {
    const { exchange } = request
    exchange.close()
    metrics.ended()
    const durationMs = performance.now() - exchange.startMs
    const route = request.routeOptions.url ?? 'none'
    const complete = reply.raw.writableFinished
    if (complete) metrics.answered(request.method, route, reply.statusCode, durationMs / 1000)
    else metrics.aborted()
    output.request({
      reqId: request.id,
      method: request.method,
      path: pathOf(request.url),
      status: reply.statusCode,
      durationMs,
      complete,
    })
  }
}

/** Without the query, which may hold what a log should not. */
function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

function hasBody({ headers }: Request): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
