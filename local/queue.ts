import { writeFileSync } from 'node:fs'
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
  const variables = sqs.variables(NAME)
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(queueFile(dataDir), lines.join(''))
  return { ...variables, QUEUE_CREATE: 'true' }
}

/** The variables that lead another program to the emulator, one a line. */
export function queueFile(dataDir: string): string {
  return join(dataDir, 'queue.env')
}
