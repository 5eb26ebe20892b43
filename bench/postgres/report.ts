import { faultLines, table, whole } from '../text.ts'
import { bestOneRow, type Comparison, type DatabaseCell } from './comparison.ts'
import type { Growth } from './growth.ts'
import type { LockedRow } from './locked-row.ts'
import type { PoolComparison } from './pool.ts'

export function settingsText(settings: Readonly<Record<string, string>>): string {
  const { server_version, ...others } = settings
  const shown = Object.entries(others).map(([name, value]) => `${name} ${value}`)
  return `PostgreSQL ${server_version}, ${shown.join(', ')}; nothing is pinned to a processor\n`
}

/** One line for each subject and load; `pgbench` has a mean where the service has a median. */
export function comparisonText({ items, cells, sessions, faults }: Comparison): string {
  const header = ['', '', 'rows in a', '', 'of one-row', 'p50', '', 'service', 'database']
  const names = [
    '',
    'clients',
    'statement',
    'rows/s',
    'pgbench',
    'or mean ms',
    'p99 ms',
    'CPU µs/row',
    'CPU µs/row',
  ]
  const rows = cells.map((cell) => comparisonRow(cell, bestOneRow(cells, cell.workload)))
  const note = `${whole(items)} items; the service has ${sessions} connections to the database\n`
  return `${table([header, names, ...rows])}${note}${faultLines(faults)}`
}

function comparisonRow(cell: DatabaseCell, best: number): string[] {
  const { rowsPerSecond, p50Ms, p99Ms, serviceCpuUs, databaseCpuUs } = cell.median
  return [
    `${cell.workload} ${cell.subject}`,
    String(cell.clients),
    String(cell.rowsPerStatement ?? ''),
    whole(rowsPerSecond),
    (rowsPerSecond / best).toFixed(2),
    p50Ms.toFixed(2),
    p99Ms?.toFixed(2) ?? '',
    serviceCpuUs?.toFixed(1) ?? '',
    databaseCpuUs.toFixed(1),
  ]
}

export function poolText({ operations, faults, ...kinds }: PoolComparison): string {
  const rows = (['get', 'put'] as const).map((name) => {
    const { storeP50Ms, poolP50Ms } = kinds[name]
    return [name, storeP50Ms.toFixed(3), poolP50Ms.toFixed(3), (storeP50Ms / poolP50Ms).toFixed(2)]
  })
  const note = `one operation at a time, ${whole(operations)} of each, in one process without HTTP\n`
  return `${table([['p50 ms', 'store', 'pg.Pool', 'ratio'], ...rows])}${note}${faultLines(faults)}`
}

export function lockedRowText(measured: LockedRow): string {
  const { connections, freePerSecond, lockedPerSecond, ratio, lockedAnswers, faults } = measured
  const answers = Object.entries(lockedAnswers).map(([status, number]) => `${number} × ${status}`)
  return (
    `PUTs of other ids at ${connections} connections: ${whole(freePerSecond)}/s, ${whole(lockedPerSecond)}/s ` +
    `while a row is locked for 1 s and written to: ratio ${ratio.toFixed(2)}\n` +
    `  PUTs of the locked id: ${answers.join(', ')}\n${faultLines(faults)}`
  )
}

export function growthText(growths: readonly Growth[], fewItems: number, manyItems: number): string {
  const rows = growths.map(({ workload, connections, fewPerSecond, manyPerSecond, ratio }) => [
    workload,
    String(connections),
    whole(fewPerSecond),
    whole(manyPerSecond),
    ratio.toFixed(2),
  ])
  const header = [
    'requests/s',
    'connections',
    `${whole(fewItems)} items`,
    `${whole(manyItems)} items`,
    'ratio',
  ]
  return `${table([header, ...rows])}${faultLines(growths.flatMap(({ faults }) => faults))}`
}
