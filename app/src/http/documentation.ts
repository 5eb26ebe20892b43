import { readFile } from 'node:fs/promises'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { fastify } from 'fastify'
import type { Log } from '../log.ts'
import { problemHandlers } from './errors.ts'
import type { App } from './framework.ts'
import { requestIdOf } from './request-id.ts'

/** The OpenAPI document of the routes, as `npm run generate` made it from their schemas. */
export const openApiFile = new URL('../../openapi.json', import.meta.url)

/**
 * The pages below `/docs`, as an app of their own: it is made when somebody asks for them, so that the service
 * starts without them, and what they need stays out of the way of its requests.
 */
export async function createDocumentation(log: Log): Promise<App> {
  const document = JSON.parse(await readFile(openApiFile, 'utf8'))
  const app: App = fastify({ logger: false, genReqId: requestIdOf, requestIdHeader: false })
  problemHandlers(app, log)
  await app.register(swagger, { mode: 'static', specification: { document } })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  await app.ready()
  return app
}
