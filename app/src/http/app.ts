import type { IncomingMessage, Server } from 'node:http'
import { fastify } from 'fastify'
import { readText } from './body.ts'
import { answerClientError } from './connection.ts'
import type { RouteContext } from './context.ts'
import { problemHandlers, takesImports, unsupportedMediaType } from './errors.ts'
import { createExchanges } from './exchanges.ts'
import type { App, Request } from './framework.ts'
import { createHttpMetrics } from './http-metrics.ts'
import { CSV_TYPE, NDJSON_TYPES } from './media-types.ts'
import { collectMethods } from './methods.ts'
import { requestIdOf } from './request-id.ts'
import { batchRoutes } from './routes/batch.ts'
import { changeRoutes } from './routes/changes.ts'
import { collectionRoutes } from './routes/collection.ts'
import { documentationRoutes } from './routes/documentation.ts'
import { importRoutes } from './routes/imports.ts'
import { itemRoutes } from './routes/item.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { serviceRoutes } from './routes/service.ts'
import { createLimitedServer } from './server.ts'
import { createValidatorCompiler } from './validation.ts'
import { createWaitingLine } from './waiting-line.ts'

/** A path is never longer than what a request's head may have, so that every id is judged by its schema. */
const PARAM_LENGTH_MAX = 16 * 1024

export interface Api {
  readonly app: App
  /** Stops to listen, resolves when every request has its answer, and cuts what is connected then. */
  finish(): Promise<void>
}

/** The API, ready to listen; a worker's tells of the process alone. `beforeRoutes` may watch the routes being added. */
export async function createApp(
  context: RouteContext,
  beforeRoutes: (app: App) => Promise<void> = async () => {},
): Promise<Api> {
  const { config, registry, output, state } = context
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
    return503OnClosing: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    // A path that cannot be decoded gets to no hook.
    frameworkErrors(error, request, reply) {
      exchanges.begin(request, reply)
      app.errorHandler(error, request, reply)
    },
  })
  app.setValidatorCompiler(createValidatorCompiler())
  // Answers are text already, or small: the schemas describe them and do not write them.
  app.setSerializerCompiler(() => JSON.stringify)
  problemHandlers(app, output.log)
  bodies(app)
  app.decorateRequest('exchange')
  app.decorateRequest('principal')
  const exchanges = createExchanges(context, line, metrics)
  app.addHook('onRequest', (request, reply, done) => {
    exchanges.begin(request, reply)
    done()
  })
  app.addHook('onRoute', exchanges.ofRoute)
  app.addHook('onSend', (_request, reply, payload, done) => {
    // On a connection that stays, a balancer would go on sending requests to a process that is about to leave. The
    // framework's own header says it too late: what was sent ahead has to be held back from here on.
    if (state.isDraining() || reply.getHeader('connection') === 'close') reply.raw.shouldKeepAlive = false
    done(null, payload)
  })

  const methods = collectMethods(app)
  await beforeRoutes(app)
  serviceRoutes(app, context)
  if (config.ROLE !== 'worker') {
    itemRoutes(app, context)
    collectionRoutes(app, context)
    batchRoutes(app, context)
    changeRoutes(app, context)
    importRoutes(app, context)
    documentationRoutes(app, context)
  }
  if (config.METRICS_PORT === undefined || config.METRICS_PORT === config.PORT) metricsRoutes(app, registry)
  methods.addMissingMethods()
  await app.ready()
  return {
    app,
    async finish() {
      const closed = app.close()
      await exchanges.finished()
      // What is left has sent no request, or only a part of one.
      app.server.closeAllConnections()
      await closed
    },
  }
}

/** Bodies are JSON text in UTF-8, which is read as text and stays text; but for imports, which read theirs as it comes. */
function bodies(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    [...NDJSON_TYPES, CSV_TYPE],
    async (request: Request, payload: IncomingMessage) => {
      if (!takesImports(request) || !isPlainUtf8(request)) throw unsupportedMediaType(request)
      return payload
    },
  )
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    async (request: Request, payload: IncomingMessage) => {
      if (takesImports(request) || !isPlainUtf8(request)) throw unsupportedMediaType(request)
      return readText(payload, request.routeOptions.bodyLimit, request.exchange)
    },
  )
}

function isPlainUtf8({ headers }: Request): boolean {
  const encoding = headers['content-encoding'] ?? 'identity'
  const charset = /charset="?([^";]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  return encoding === 'identity' && charset.trim().toLowerCase() === 'utf-8'
}
