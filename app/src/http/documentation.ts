import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { App } from './framework.ts'

/** `/openapi.json` and `/docs`, both made from the routes' own schemas. To be called before any route is added. */
export async function documentation(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'multi-aws',
        version,
        description: 'A JSON data service. Values travel as text and come back exactly as they were sent.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'data', description: 'Items, by id' },
        { name: 'changes', description: 'The change feed' },
        { name: 'service', description: 'The service itself' },
      ],
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
