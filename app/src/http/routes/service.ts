import type { RouteContext } from '../context.ts'
import type { App } from '../framework.ts'
import { answers, Health, Index, Status } from '../schemas.ts'

const tags = ['service']
const links = {
  data: '/data',
  changes: '/changes',
  health: '/health',
  metrics: '/metrics',
  openapi: '/openapi.json',
  docs: '/docs',
}

/** What tells about the service itself: the index and its health. */
export function serviceRoutes(app: App, { config, state, dependencies, version }: RouteContext): void {
  const { health, metrics } = links
  const here = config.ROLE === 'worker' ? { health, metrics } : links
  const index = { name: 'multi-aws', version, tier: config.tier, links: here }
  app.get(
    '/',
    { schema: { tags, summary: 'What is here', response: answers({ 200: Index }) } },
    async () => index,
  )

  const whole = { tags, summary: 'The whole picture', response: answers({ 200: Health, 503: Health }) }
  app.get('/health', { schema: whole }, async (_request, reply) => {
    const status = state.status()
    return reply.code(state.isReady() ? 200 : 503).send({
      status,
      tier: config.tier,
      capabilities: config.capabilities,
      version,
      uptimeSeconds: Math.round(process.uptime() * 10) / 10,
      dependencies: Object.fromEntries(Object.entries(dependencies).map(([name, of]) => [name, of()])),
    })
  })

  const ready = {
    tags,
    summary: 'Whether to send requests here',
    response: answers({ 200: Status, 503: Status }),
  }
  app.get('/health/ready', { schema: ready }, async (_request, reply) =>
    reply.code(state.isReady() ? 200 : 503).send({ status: state.status() }),
  )

  const live = {
    tags,
    summary: 'Whether the process is alive, whatever it depends on',
    response: answers({ 200: Status }),
  }
  app.get('/health/live', { schema: live }, async () => ({ status: 'ok' }))
}
