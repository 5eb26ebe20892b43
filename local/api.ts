import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { type Component, Failure } from './component.ts'
import { openLogFile } from './log-file.ts'
import { freePort, isPortTaken } from './ports.ts'
import { startProcess } from './processes.ts'
import { waitForHttp } from './wait.ts'

const START_TIMEOUT_MS = 60_000
const entryPoint = join(import.meta.dirname, '../app/src/main.ts')

/** The API, by the entry point that production runs. Its log goes to a file, what needs attention to the terminal. */
export const startApi: Component = async ({ env, logDir, say }, onExit) => {
  const { host, port } = await address(env)
  // A port that is only known to the service's log would be of no use to the user.
  const { METRICS_PORT = '' } = env
  const metricsPort = METRICS_PORT === '0' ? String(await freePort()) : METRICS_PORT
  const log = openLogFile(join(logDir, 'api.log'))
  const api = startProcess({
    command: process.execPath,
    args: [entryPoint],
    env: { ...env, PORT: port, METRICS_PORT: metricsPort },
    onLine(line) {
      log(line)
      const message = attention(line)
      if (message !== undefined) say(message)
    },
  })
  const ended = api.exited.then(({ code, signal }): never => {
    throw new Failure(`The API has ended by itself (${signal ?? `exit code ${code}`}).`, code || 1)
  })
  const url = `http://${isIPv6(host) ? `[${host}]` : host}:${port}`
  const health = await Promise.race([ended, waitForHttp(`${url}/health`, { timeoutMs: START_TIMEOUT_MS })])
  ended.catch(onExit)
  return { API_URL: url, API_TIER: String(JSON.parse(health).tier), METRICS_PORT: metricsPort }
}

/**
 * Where the API will be reached. Its log would say so too, unless `LOG_LEVEL` keeps it from that. Whoever listens
 * there already would be taken for the API.
 */
async function address({ HOST: host = '127.0.0.1', PORT = '8000' }: NodeJS.ProcessEnv) {
  if (await isPortTaken(PORT, host)) {
    throw new Failure(`Port ${PORT} is taken: stop what listens there, or set PORT to another one.`, 1)
  }
  const port = PORT === '0' ? String(await freePort()) : PORT
  return { host: { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host, port }
}

/** What a person should see at once: warnings, errors, and whatever is no log line. */
function attention(line: string): string | undefined {
  const entry = parseEntry(line)
  if (entry === undefined) return line
  if (!['warn', 'error', 'fatal'].includes(entry.level)) return undefined
  const cause = entry.err?.message === undefined ? '' : `: ${entry.err.message}`
  return `${entry.level}: ${entry.msg}${cause}`
}

interface Entry {
  readonly level: string
  readonly msg: string
  readonly err?: { readonly message?: string }
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line)
    return typeof entry?.level === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}
