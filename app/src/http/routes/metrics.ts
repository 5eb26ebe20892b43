import type { Registry } from 'prom-client'
import type { App } from '../framework.ts'

/** `GET /metrics` in Prometheus's text format. */
export function metricsRoutes(app: App, registry: Registry): void {
  app.get(
    '/metrics',
    { schema: { tags: ['service'], summary: 'Metrics for Prometheus' } },
    async (_request, reply) =>
      reply.header('content-type', registry.contentType).send(await registry.metrics()),
  )
}
