import { parseArgs } from 'node:util'
import { DATABASE_WORKLOAD_NAMES } from './postgres/key-space.ts'
import { WORKLOAD_NAMES } from './workloads.ts'

const DATABASE_PART_NAMES = [
  'pgbench',
  'pool',
  'lock',
  'growth',
  'import',
  'cache',
  'isolation',
  'queue',
] as const
/** In the order in which they run. */
export const PART_NAMES = ['throughput', 'start', 'overload', ...DATABASE_PART_NAMES] as const
type PartName = (typeof PART_NAMES)[number]

const ANY_WORKLOAD_NAMES = [...new Set([...WORKLOAD_NAMES, ...DATABASE_WORKLOAD_NAMES])]

export interface Options {
  readonly parts: readonly PartName[]
  readonly rounds: number
  readonly seconds: number
  readonly connections: readonly number[]
  readonly workloads: readonly (typeof ANY_WORKLOAD_NAMES)[number][]
  /** Another checkout, whose service is measured instead of the bare server. */
  readonly beside: string | undefined
  readonly help: boolean
}

/** A command line that cannot be run as it is; the message says what was expected. */
export class UsageError extends Error {}

export const usage = `usage: npm run bench -- [part…] [options]

parts (default: all), of tier 1
  throughput  requests per second and per CPU-second beside a bare node:http server
  start       time from process start to readiness, and idle memory
  overload    twice the connections of the peak, and twice its rate
of tier 2
  pgbench     rows per second, latency and CPU time beside pgbench with the same statements
  pool        latency of one operation at a time beside pg.Pool, in one process
  lock        PUTs while another session has locked one row for a second
  growth      GET, PUT and the hundredth page with 1,000,000 items beside 1,000
of the cache
  cache       hot reads beside tier 1, Redis beside the database, writes, and a skewed mix
of the queue and its workers
  import      1,000,000 lines by one process, by a worker, and by one that is killed ten times, beside a plain COPY
  isolation   latency of requests while imports are worked on, with a worker and without
  queue       latency of writes with the queue away, and many small imports

options
  --rounds N           rounds; the figures are medians over them (default 5)
  --seconds N          whole seconds of load for each figure in each round (default 2)
  --connections N,…    connection counts (default 1,16,64,256); lock and growth take the largest,
                       cache 64
  --workloads NAME,…   of ${WORKLOAD_NAMES.join(', ')} for throughput, and of ${DATABASE_WORKLOAD_NAMES.join(', ')} for pgbench
                       (default all)
  --beside DIR         throughput and start: beside the service in another checkout, where \`npm install\` has been run
  --help               this text
`

/** Whether a database is needed for what was asked for. */
export function needsDatabase({ parts }: Options): boolean {
  return DATABASE_PART_NAMES.some((part) => parts.includes(part))
}

/** Throws `UsageError`. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  return {
    parts: positionals.length === 0 ? PART_NAMES : names('part', positionals, PART_NAMES),
    rounds: count('--rounds', values.rounds, 100),
    seconds: count('--seconds', values.seconds, 60),
    connections: list(values.connections).map((text) => count('--connections', text, 4_096)),
    workloads: names('--workloads', list(values.workloads), ANY_WORKLOAD_NAMES),
    beside: values.beside,
    help: values.help,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '2' },
        connections: { type: 'string', default: '1,16,64,256' },
        workloads: { type: 'string', default: ANY_WORKLOAD_NAMES.join(',') },
        beside: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Without repetitions. */
function list(text: string): string[] {
  return [...new Set(text.split(',').map((part) => part.trim()))]
}

function count(name: string, text: string, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value
  throw new UsageError(`${name}: expected a whole number from 1 to ${max}, not '${text}'`)
}

function names<Name extends string>(what: string, given: readonly string[], known: readonly Name[]): Name[] {
  return given.map((text) => {
    const name = known.find((candidate) => candidate === text)
    if (name === undefined)
      throw new UsageError(`${what}: expected one of ${known.join(', ')}, not '${text}'`)
    return name
  })
}
