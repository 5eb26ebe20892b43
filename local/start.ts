import { join, resolve } from 'node:path'
import { Failure } from './component.ts'
import { postgresFolder } from './database.ts'
import { DATA_DIR_DEFAULT, type Options, parseOptions, USAGE } from './options.ts'
import { killProcesses, stopProcesses } from './processes.ts'
import { serviceLog } from './service.ts'
import { startSystem } from './system.ts'
import { createThrowAwayFolder } from './throw-away.ts'
import { workerName } from './workers.ts'

/** `EX_USAGE` of sysexits.h. */
const EXIT_USAGE = 64
const EXIT_SECOND_INTERRUPT = 130
const PARENT_POLL_MS = 500
/** npm passes on a Ctrl-C that the terminal has delivered already: one press arrives as two signals. */
const SAME_PRESS_MS = 500

const options = readOptions()
if (options.help) {
  say(USAGE)
  process.exit(0)
}
// A terminal that is gone, or `| head`, must not keep the system from being stopped in order.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})
const dataDir = options.dataDir ?? createThrowAwayFolder()
const exitCode = await run()
if (exitCode === 0) say('stopping')
await stopProcesses()
if (exitCode === 0) say('stopped')
process.exit(exitCode)

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2), process.env)
  } catch (error) {
    complain(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(EXIT_USAGE)
  }
}

/** Resolves to the exit code when the system is to be stopped, or cannot go on. */
async function run(): Promise<number> {
  const { promise: failed, reject: onExit } = Promise.withResolvers<never>()
  const stopped = stopRequest()
  try {
    const started = startSystem(options.tier, { dataDir, workers: options.workers, say: complain }, onExit)
    await Promise.race([stopped, failed, started.then(announce)])
    await Promise.race([stopped, failed])
    return 0
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    complain(error.message)
    return error.exitCode
  }
}

/** Resolves when the system is to be stopped: by a signal, or because the npm that runs this has died. */
async function stopRequest(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
  let firstMs: number | undefined
  process.on('SIGINT', () => {
    firstMs ??= performance.now()
    if (performance.now() - firstMs > SAME_PRESS_MS) {
      killProcesses()
      process.exit(EXIT_SECOND_INTERRUPT)
    }
    resolve()
  })
  if (process.env.npm_lifecycle_event !== undefined) {
    const npm = process.ppid
    setInterval(() => process.ppid !== npm && resolve(), PARENT_POLL_MS)
  }
  await promise
}

function announce({
  API_URL: url,
  API_TIER: tier,
  METRICS_PORT: metricsPort,
  WORKERS: workers,
  DATABASE_URL: databaseUrl,
}: NodeJS.ProcessEnv): void {
  const metrics = new URL('/metrics', url)
  if (metricsPort) metrics.port = metricsPort
  const logDir = join(dataDir, 'log')
  say(`ready ${url} tier ${tier}`)
  say(`  data     ${url}/data/1`)
  say(`  changes  ${url}/changes`)
  say(`  docs     ${url}/docs`)
  say(`  health   ${url}/health`)
  say(`  metrics  ${metrics}`)
  say(`  log      ${serviceLog(logDir, 'api')}`)
  for (let n = 1; n <= Number(workers ?? 0); n++) say(`  worker   ${serviceLog(logDir, workerName(n))}`)
  if (databaseUrl && databaseUrl !== process.env.DATABASE_URL) sayDatabase(databaseUrl)
  if (tier !== '1') say(`  redrive  npm run redrive -- list${ofDataDir()}`)
}

/** The password stays in its file: a terminal's content is easily shown to others. */
function sayDatabase(url: string): void {
  const { username, host, pathname } = new URL(url)
  say(`  database postgresql://${username}@${host}${pathname}`)
  say(`           password in ${postgresFolder(dataDir)}/password`)
}

/** What leads another command here when it would look elsewhere. */
function ofDataDir(): string {
  return dataDir === DATA_DIR_DEFAULT ? '' : ` --data-dir ${quoted(resolve(dataDir))}`
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`)
}
