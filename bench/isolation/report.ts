import { faultLines, latencyCells, table, whole } from '../text.ts'
import type { Cell, IsolationMeasured } from './isolation.ts'

const HEADER = ['', '', 'GET ms', '', '', 'PUT ms', '', '', 'lines', 'API CPU', 'API turn']
const NAMES = ['', '', 'p50', 'p99', 'max', 'p50', 'p99', 'max', 'applied/s', '% of a core', 'p99 ms']

export function isolationText({ rate, cells, faults }: IsolationMeasured): string {
  return (
    `${whole(rate)} GETs/s and ${whole(rate)} PUTs/s in an open loop; the API and the load share one processor, PostgreSQL ` +
    `and the worker have the others\n${table([HEADER, NAMES, ...cells.map(row)])}${faultLines(faults)}`
  )
}

function row({ state, system, median }: Cell): string[] {
  const { get, put, appliedPerSecond, apiCpu, loopP99Ms } = median
  return [
    state,
    system,
    ...latencyCells(get),
    ...latencyCells(put),
    appliedPerSecond > 0 ? whole(appliedPerSecond) : '',
    (100 * apiCpu).toFixed(0),
    loopP99Ms.toFixed(1),
  ]
}
