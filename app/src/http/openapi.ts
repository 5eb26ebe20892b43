import swagger from '@fastify/swagger'
import type { App } from './framework.ts'
import { tellHeadersAndMedia } from './openapi-media.ts'

/** Collects the schemas of the routes that are added after it, for `app.swagger()`. */
export async function collectOpenApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    transformObject(documents) {
      if (!('openapiObject' in documents)) return documents.swaggerObject
      tellHeadersAndMedia(documents.openapiObject.paths ?? {})
      return documents.openapiObject
    },
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
        { name: 'imports', description: 'Bulk loads' },
        { name: 'service', description: 'The service itself' },
      ],
    },
  })
}
