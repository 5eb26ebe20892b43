import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { sqlOf } from '../../app/src/adapters/postgres/statements.ts'
import { debianTool } from '../../local/debian.ts'
import { outputOf } from '../program.ts'
import { type DatabaseWorkloadName, FIRST_ID, itemId, itemValue, MIX_PUT_EVERY } from './key-space.ts'

/** What `pgbench` is to do. `items` is the size of the key space, `rows` how many of them one statement takes. */
export interface PgbenchLoad {
  readonly databaseUrl: string
  readonly workload: DatabaseWorkloadName
  readonly items: number
  readonly rows: number
  readonly clients: number
  readonly seconds: number
}

export interface PgbenchResult {
  readonly statementsPerSecond: number
  readonly meanMs: number
}

/** As the service's sessions are made to be (sql/session.sql), for whoever is measured beside it. */
export const SESSION_OPTIONS = [
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  'plan_cache_mode=force_generic_plan',
  'jit=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ')

/** Loads the database with the service's own statements, prepared once a session. `dir` takes the scripts. */
export async function runPgbench(load: PgbenchLoad, dir: string): Promise<PgbenchResult> {
  const { path, env } = await debianTool('pgbench')
  const threads = Math.min(load.clients, availableParallelism())
  const output = await outputOf(
    [
      ...[path, '--no-vacuum', '--protocol=prepared'],
      ...['--client', String(load.clients), '--jobs', String(threads), '--time', String(load.seconds)],
      ...Object.entries(variables).flatMap(([name, value]) => ['--define', `${name}=${value}`]),
      ...(await scripts(load, dir)),
    ] as [string, ...string[]],
    { env: { ...env, ...connection(load.databaseUrl) }, timeoutMs: (load.seconds + 60) * 1_000 },
  )
  return parsePgbench(output)
}

/** The same for every row: of the same length as those that the service is given. */
const variables = { value: itemValue(itemId(0)), unconditional: 'true' }

function connection(databaseUrl: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl)
  return {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
    PGOPTIONS: SESSION_OPTIONS,
  }
}

async function scripts({ workload, items, rows }: PgbenchLoad, dir: string): Promise<string[]> {
  const weights = { get: { read: 1 }, put: { write: 1 }, mix: { read: MIX_PUT_EVERY - 1, write: 1 } }[
    workload
  ]
  const files = Object.entries(weights).map(async ([name, weight]) => {
    const file = join(dir, `${name}-${rows}.pgbench`)
    await writeFile(file, name === 'read' ? readScript(items, rows) : writeScript(items, rows))
    return ['--file', `${file}@${weight}`]
  })
  return (await Promise.all(files)).flat()
}

export function readScript(items: number, rows: number): string {
  return `${randomIds(items, rows)}${statement('read', [ids(rows)])}`
}

export function writeScript(items: number, rows: number): string {
  const nulls = repeated('null', rows)
  const given = [ids(rows), repeated(':value', rows), nulls, nulls, ':unconditional']
  return `${randomIds(items, rows)}${statement('write', given)}`
}

/** One id of each part of the key space: no id twice in a statement, which PostgreSQL would refuse. */
function randomIds(items: number, rows: number): string {
  const size = Math.floor(items / rows)
  const lines = Array.from({ length: rows }, (_, n) => {
    const first = FIRST_ID + n * size
    return `\\set id${n} random(${first}, ${first + size - 1})\n`
  })
  return lines.join('')
}

function ids(rows: number): string {
  return `array[${Array.from({ length: rows }, (_, n) => `:id${n}`).join(', ')}]`
}

function repeated(text: string, times: number): string {
  return `array[${Array(times).fill(text).join(', ')}]`
}

function statement(name: string, values: readonly string[]): string {
  const sql = sqlOf(name)
    .replaceAll(/^ *--.*\n/gm, '')
    .trim()
  return `${sql.replaceAll(/\$(\d)/g, (_, number) => values[Number(number) - 1] ?? '')};\n`
}

export function parsePgbench(output: string): PgbenchResult {
  const statementsPerSecond = Number(/^tps = ([\d.]+)/m.exec(output)?.[1])
  const meanMs = Number(/^latency average = ([\d.]+) ms/m.exec(output)?.[1])
  const failed = /^number of failed transactions: (\d+)/m.exec(output)?.[1] ?? '0'
  if (Number.isNaN(statementsPerSecond) || Number.isNaN(meanMs) || failed !== '0')
    throw new Error(`pgbench gave no result:\n${output}`)
  return { statementsPerSecond, meanMs }
}
