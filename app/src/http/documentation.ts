import { readFile } from 'node:fs/promises'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { fastify } from 'fastify'
import type { App } from './framework.ts'

/** The OpenAPI document of the routes, as `npm run generate` made it from their schemas. */
export const openApiFile = new URL('../../openapi.json', import.meta.url)

/**
 * The pages below `/docs`, as an app of their own: it is made when somebody asks for them, so that the service
 * starts without them, and what they need stays out of the way of its requests.
 */
export async function createDocumentation(): Promise<App> {
  const document = JSON.parse(await readFile(openApiFile, 'utf8'))
  const app: App = fastify({ logger: false })
  await app.register(swagger, { mode: 'static', specification: { document } })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  await app.ready()
  return app
}
