import { join } from 'node:path'
import { Failure } from './component.ts'
import { postgresFolder } from './database.ts'
import { type Options, parseOptions, USAGE } from './options.ts'
import { killProcesses, stopProcesses } from './processes.ts'
import { startSystem } from './system.ts'
import { createThrowAwayFolder } from './throw-away.ts'

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
await stopProcesses()
process.exit(exitCode)

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2))
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
    const started = startSystem(options.tier, { dataDir, say: complain }, onExit)
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
  DATABASE_URL: databaseUrl,
}: NodeJS.ProcessEnv): void {
  const metrics = new URL('/metrics', url)
  if (metricsPort) metrics.port = metricsPort
  say(`ready ${url} tier ${tier}`)
  say(`  data     ${url}/data/1`)
  say(`  changes  ${url}/changes`)
  say(`  docs     ${url}/docs`)
  say(`  health   ${url}/health`)
  say(`  metrics  ${metrics}`)
  say(`  log      ${join(dataDir, 'log/api.log')}`)
  if (databaseUrl && databaseUrl !== process.env.DATABASE_URL) sayDatabase(databaseUrl)
}

/** The password stays in its file: a terminal's content is easily shown to others. */
function sayDatabase(url: string): void {
  const { username, host, pathname } = new URL(url)
  say(`  database postgresql://${username}@${host}${pathname}`)
  say(`           password in ${postgresFolder(dataDir)}/password`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`)
}
