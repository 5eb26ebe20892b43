/** `npm run redrive`: the tool of the image, led to the system that runs here unless the environment leads elsewhere. */
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Environment } from '../app/src/config.ts'
import { OperatorFault } from '../app/src/domain/errors.ts'
import { redrive } from '../app/src/redrive.ts'
import { DATA_DIR_DEFAULT } from './options.ts'
import { isPortTaken } from './ports.ts'
import { queueFile } from './queue.ts'

/** With one of them the environment leads to a queue: nothing of another system may be mixed with it. */
const LEADING = ['QUEUE_URL', 'DATABASE_URL', 'DATABASE_URL_FILE', 'DATABASE_HOST']

const args = process.argv.slice(2)
const at = args.indexOf('--data-dir')
const [, dataDir = DATA_DIR_DEFAULT] = at === -1 ? [] : args.splice(at, 2)
process.exitCode = await redrive(args, environment)

async function environment(): Promise<Environment> {
  if (LEADING.some((name) => process.env[name])) return process.env
  const file = queueFile(dataDir)
  const local = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  const place = URL.parse(local.QUEUE_URL ?? local.DATABASE_URL ?? '')
  // The file outlives what it leads to. AWS's library looks for its credentials by itself.
  if (place && (await isPortTaken(place.port, place.hostname))) return Object.assign(process.env, local)
  throw new OperatorFault(
    'No system with a queue runs here: start one with `npm start`, or set QUEUE_URL, or DATABASE_URL where there is no other queue.',
  )
}
