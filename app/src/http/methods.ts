import { AppError } from '../domain/errors.ts'
import { sendProblem } from './errors.ts'
import type { App } from './framework.ts'

/**
 * Answers every method that a path does not have with 405 and `Allow` (RFC 9110, section 15.5.6), and OPTIONS with
 * what it does have. Call `addMissingMethods` after the last route.
 */
export function collectMethods(app: App): { addMissingMethods(): void } {
  const methodsByPath = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    // A prefix's own route is also added with a slash behind it, and shares its methods.
    if (url !== '/' && url.endsWith('/')) return
    const methods = methodsByPath.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    methodsByPath.set(url, methods)
  })
  return {
    addMissingMethods() {
      for (const [url, methods] of [...methodsByPath]) {
        const allow = [...methods, 'OPTIONS'].sort().join(', ')
        const missing = app.supportedMethods.filter((method) => !methods.has(method))
        app.route({
          url,
          method: missing,
          schema: { hide: true },
          // The body of a request that is refused is not looked at, so it may have any type.
          onRequest: async (request, reply) => {
            reply.header('allow', allow)
            if (request.method === 'OPTIONS') return reply.code(204).send()
            return sendProblem(
              request,
              reply,
              new AppError('method_not_allowed', `Expected one of ${allow}.`),
            )
          },
          handler: async () => undefined,
        })
      }
    },
  }
}
