import { isIPv6 } from 'node:net'
import { type Component, Failure } from './component.ts'
import { isPortTaken, listeningPort } from './ports.ts'
import { keepService } from './service.ts'

/** The API, alone or with workers beside it: `ROLE` says which. */
export const startApi: Component = async (context, onExit) => {
  const { env } = context
  const { host, port } = await address(env)
  // A port that is only known to the service's log would be of no use to the user.
  const { METRICS_PORT = '' } = env
  const metricsPort = METRICS_PORT === '0' ? String(await listeningPort()) : METRICS_PORT
  const url = `http://${isIPv6(host) ? `[${host}]` : host}:${port}`
  const own = { ...env, PORT: port, METRICS_PORT: metricsPort }
  const { tier } = await keepService({ name: 'api', who: 'The API', url, env: own }, context, onExit)
  return { API_URL: url, API_TIER: String(tier), METRICS_PORT: metricsPort }
}

/**
 * Where the API will be reached. Its log would say so too, unless `LOG_LEVEL` keeps it from that. Whoever listens
 * there already would be taken for the API.
 */
async function address({ HOST: host = '127.0.0.1', PORT = '8000' }: NodeJS.ProcessEnv) {
  if (await isPortTaken(PORT, host)) {
    throw new Failure(`Port ${PORT} is taken: stop what listens there, or set PORT to another one.`, 1)
  }
  const port = PORT === '0' ? String(await listeningPort()) : PORT
  return { host: { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host, port }
}
