/** `node src/redrive.ts` in the image, `npm run redrive` elsewhere: what workers have given up, for an operator to see to. */
import { parseArgs } from 'node:util'
import { Registry } from 'prom-client'
import { ConfigError, type Environment, EXIT_CONFIG, parseConfig } from './config.ts'
import { OperatorFault } from './domain/errors.ts'
import { isoTime } from './domain/iso-time.ts'
import { createLog } from './log.ts'
import type { DeadLetter, DeadLetters } from './ports/queue.ts'
import { wireDeadLetters } from './wire.ts'

const usage = `npm run redrive -- list              what was given up: id, type, attempts, time of sending, reason
npm run redrive -- show ID           one of them, with its body
npm run redrive -- return ID…        has them tried again, from the first attempt on
npm run redrive -- return --all      all of them

Reads QUEUE_URL, AWS_REGION, AWS_ENDPOINT_URL_SQS and the credentials of AWS from the environment, as the service does;
without QUEUE_URL it is the queue in DATABASE_URL. \`npm run redrive\` without any of them takes the queue of the system
that \`npm start\` runs here, or runs with \`--data-dir DIR\` when that is added.
`

/** `EX_USAGE` of sysexits.h. */
const EXIT_USAGE = 64
const LIST_MAX = 1000

class UsageError extends Error {}

interface Wish {
  readonly action: string
  readonly ids: readonly string[]
  readonly all: boolean
}

function parse(args: readonly string[]): Wish | undefined {
  const { values, positionals } = parsed(args)
  if (values.help) return undefined
  const [action = '', ...ids] = positionals
  const all = values.all ?? false
  const isRight =
    (action === 'list' && ids.length === 0 && !all) ||
    (action === 'show' && ids.length === 1 && !all) ||
    (action === 'return' && ids.length > 0 !== all)
  if (!isRight) throw new UsageError('Expected list, show ID, return ID… or return --all.')
  return { action, ids, all }
}

function parsed(args: readonly string[]) {
  try {
    const options = { all: { type: 'boolean' }, help: { type: 'boolean' } } as const
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Resolves to the exit code. */
async function run({ action, ids, all }: Wish, letters: DeadLetters): Promise<number> {
  if (action === 'return') {
    const returned = await letters.giveBack(all ? 'all' : ids)
    say(`returned ${returned}${all ? '' : ` of ${ids.length}`}`)
    return all || returned === ids.length ? 0 : 1
  }
  const found = await letters.list(LIST_MAX)
  if (action === 'list') {
    for (const letter of found) say(lineOf(letter))
    if (found.length === 0) say('nothing was given up')
    return 0
  }
  const letter = found.find(({ id }) => id === ids[0])
  if (letter === undefined) {
    complain(`There is no dead letter ${ids[0]} among the first ${LIST_MAX}: see \`list\`.`)
    return 1
  }
  say(lineOf(letter))
  if (letter.message.traceparent !== undefined) say(`traceparent ${letter.message.traceparent}`)
  say(letter.message.body)
  return 0
}

function lineOf({ id, message, attempts, sentAtMs, reason }: DeadLetter): string {
  const tries = attempts === undefined ? 'unknown attempts' : `${attempts} attempts`
  return [
    id,
    message.type || 'no type',
    tries,
    isoTime(sentAtMs),
    reason ?? 'moved by the queue itself',
  ].join('  ')
}

/**
 * Does what the arguments wish for. `environment` is asked for the variables only then. Resolves to the exit code, when
 * the user has been told.
 */
export async function redrive(
  args: readonly string[],
  environment: () => Environment | Promise<Environment>,
): Promise<number> {
  try {
    const wish = parse(args)
    if (wish === undefined) {
      process.stdout.write(usage)
      return 0
    }
    const config = parseConfig(ofTool(await environment()))
    await using wired = await wireDeadLetters(config, new Registry(), createLog('silent').log)
    return await run(wish, wired.deadLetters)
  } catch (error) {
    return exitCodeOf(error as Error)
  }
}

/** The service's, but that a queue needs no database here, and that nothing is migrated. */
function ofTool(environment: Environment): Environment {
  const { QUEUE_URL, DATABASE_URL, DATABASE_URL_FILE, DATABASE_HOST } = environment
  const hasDatabase = Boolean(DATABASE_URL || DATABASE_URL_FILE || DATABASE_HOST)
  if (!QUEUE_URL && !hasDatabase)
    throw new OperatorFault('Set QUEUE_URL, or DATABASE_URL where there is no other queue: see --help.')
  const unused = hasDatabase ? {} : { DATABASE_URL: 'postgresql://unused' }
  return { ...environment, ...unused, ROLE: 'api' }
}

function exitCodeOf(error: Error): number {
  complain(error.message)
  if (error instanceof ConfigError) for (const fault of error.faults) complain(`  ${fault}`)
  if (error instanceof UsageError) complain(`\n${usage}`)
  if (error instanceof UsageError) return EXIT_USAGE
  return error instanceof ConfigError || error instanceof OperatorFault ? EXIT_CONFIG : 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) process.exitCode = await redrive(process.argv.slice(2), () => process.env)
