import { readFile } from 'node:fs/promises'
import type { RouteContext } from '../context.ts'
import type { App } from '../framework.ts'
import { JSON_TYPE } from '../item-replies.ts'

/** `/openapi.json`, and `/docs` to browse it. */
export function documentationRoutes(app: App, { output }: RouteContext): void {
  let pages: Promise<App> | undefined
  const module = () => import('../documentation.ts')

  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    const { openApiFile } = await module()
    return reply.header('content-type', JSON_TYPE).send(await readFile(openApiFile, 'utf8'))
  })

  for (const url of ['/docs', '/docs/*']) {
    app.get(url, { schema: { hide: true } }, async (request, reply) => {
      pages ??= module().then(({ createDocumentation }) => createDocumentation(output.log))
      const documentation = await pages
      // Both apps have to name the request alike.
      request.raw.headers['x-request-id'] = request.id
      reply.raw.setHeader('x-request-id', request.id)
      reply.hijack()
      documentation.routing(request.raw, reply.raw)
    })
  }
}
