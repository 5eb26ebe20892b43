import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Component, endedByItself } from './component.ts'
import { openLogFile } from './log-file.ts'
import { listeningPort } from './ports.ts'
import { isStopping } from './processes.ts'
import { startSqs } from './sqs.ts'

const NAME = 'multi-aws'

/** An emulator of SQS, unless the user's environment leads to a queue. */
export const startQueue: Component = async ({ env, dataDir, logDir, say }) => {
  if (env.QUEUE_URL) return {}
  const sqs = await startSqs({
    folder: join(dataDir, 'sqs'),
    port: await listeningPort(),
    onLine: openLogFile(join(logDir, 'sqs.log')),
  })
  sqs.exited.then((exit) => {
    if (!isStopping()) say(`${endedByItself('The emulator of SQS', exit)}: going on, and imports wait`)
  })
  return { ...sqs.variables(NAME), QUEUE_CREATE: 'true' }
}

/** What leads to the queue in the emulator, or to the one in the database where there is no other. */
const LEADING = [
  ['QUEUE_URL', 'AWS_ENDPOINT_URL_SQS', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  ['DATABASE_URL'],
]

/** Leaves the way to the queue in a file for `npm run redrive`, unless it is the user's own. */
export const noteQueue: Component = async ({ env, dataDir }) => {
  const [name = '', ...others] = LEADING.find(([name = '']) => env[name]) ?? []
  if (env[name] === process.env[name]) return {}
  const file = queueFile(dataDir)
  // The mode is of a new file only, and there may be a password in it.
  rmSync(file, { force: true })
  const lines = [name, ...others].map((one) => `${one}=${env[one]}\n`)
  writeFileSync(file, lines.join(''), { mode: 0o600 })
  return {}
}

/** The variables that lead another program to the queue, one a line. */
export function queueFile(dataDir: string): string {
  return join(dataDir, 'queue.env')
}
