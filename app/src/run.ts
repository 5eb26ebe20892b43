import { describeConfig } from './config/describe.ts'
import { doubts } from './config/doubts.ts'
import { misspellings } from './config/misspellings.ts'
import { type Config, ConfigError, EXIT_CONFIG, parseConfig } from './config.ts'
import { OperatorFault } from './domain/errors.ts'
import { createLog } from './log.ts'
import { startService } from './service.ts'
import { endBy, onStopSignal } from './signals.ts'
import { wireMigrations } from './wire.ts'

/** Runs the process's role until a signal ends it. */
export async function run(): Promise<void> {
  try {
    const config = parseConfig(process.env)
    if (process.argv.includes('--print-config')) {
      process.stdout.write(`${describeConfig(config, process.env)}\n`)
      return
    }
    await runRole(config)
  } catch (error) {
    fail(error)
  }
}

async function runRole(config: Config): Promise<void> {
  const output = createLog(config.LOG_LEVEL)
  const { log } = output
  process.on('exit', output.flush)
  process.on('uncaughtExceptionMonitor', (err) =>
    log.fatal({ err }, 'a fault in the program: the process ends'),
  )
  for (const warning of [...misspellings(process.env), ...doubts(config)]) log.warn(warning)

  if (config.ROLE === 'migrate') return wireMigrations(config, log).then((migrate) => migrate())
  const service = await startService(config, output)
  onStopSignal((signal) => {
    log.info({ signal }, 'stopping')
    // A second signal ends the process at once.
    onStopSignal(endBy)
    service.stop().then((exitCode) => process.exit(exitCode))
  })
  await service.started
}

function fail(error: unknown): never {
  const [message, exitCode] = verdictOn(error)
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}

/** Of what keeps a process from listening, only a port that is taken may be another one's fault, and become free. */
function verdictOn(error: unknown): [message: string, exitCode: number] {
  if (error instanceof ConfigError)
    return [[error.message, ...error.faults.map((fault) => `  ${fault}`)].join('\n'), EXIT_CONFIG]
  if (error instanceof OperatorFault) return [error.message, EXIT_CONFIG]
  const { code, port, stack } = error as NodeJS.ErrnoException & { port?: number }
  switch (code) {
    case 'EADDRINUSE':
      return [
        `Port ${port} is taken: stop what listens there, or set PORT (or METRICS_PORT) to another one.`,
        1,
      ]
    case 'EACCES':
      return [`Port ${port} may not be listened on by this user: set PORT to one above 1023.`, EXIT_CONFIG]
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['HOST is not an address of this machine: set HOST to one, or to 0.0.0.0 for all.', EXIT_CONFIG]
    default:
      return [stack ?? String(error), 1]
  }
}
