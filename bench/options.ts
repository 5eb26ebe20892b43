import { parseArgs } from 'node:util'
import { type WorkloadName, workloadNames } from './workloads.ts'

export const partNames = ['throughput', 'start', 'overload'] as const
export type PartName = (typeof partNames)[number]

export interface Options {
  readonly parts: readonly PartName[]
  readonly rounds: number
  readonly seconds: number
  readonly connections: readonly number[]
  readonly workloads: readonly WorkloadName[]
  readonly help: boolean
}

/** A command line that cannot be run as it is; the message says what was expected. */
export class UsageError extends Error {}

export const usage = `usage: npm run bench -- [part…] [options]

parts (default: all)
  throughput  requests per second and per CPU-second beside a bare node:http server
  start       time from process start to readiness, and idle memory
  overload    twice the connections of the peak, and twice its rate

options
  --rounds N           rounds; the figures are medians over them (default 5)
  --seconds N          whole seconds of load for each figure in each round (default 2)
  --connections N,…    connection counts (default 1,16,64,256)
  --workloads NAME,…   of ${workloadNames.join(', ')} (default all; overload always uses get)
  --help               this text
`

/** Throws `UsageError`. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  return {
    parts: positionals.length === 0 ? partNames : names('part', positionals, partNames),
    rounds: count('--rounds', values.rounds, 100),
    seconds: count('--seconds', values.seconds, 60),
    connections: list(values.connections).map((text) => count('--connections', text, 4_096)),
    workloads: names('--workloads', list(values.workloads), workloadNames),
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
        workloads: { type: 'string', default: workloadNames.join(',') },
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
