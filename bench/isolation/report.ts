import type { Latency } from '../open-loop.ts'
import { faultLines, table, whole } from '../report.ts'
import type { Cell, IsolationMeasured } from './isolation.ts'

const header = ['', '', 'GET ms', '', '', 'PUT ms', '', '', 'lines', 'API CPU', 'API turn']
const names = ['', '', 'p50', 'p99', 'max', 'p50', 'p99', 'max', 'applied/s', '% of a core', 'p99 ms']

export function isolationText({ rate, cells, faults }: IsolationMeasured): string {
  return (
    `${whole(rate)} GETs/s and ${whole(rate)} PUTs/s in an open loop; the API and the load share one processor, PostgreSQL ` +
    `and the worker have the others\n${table([header, names, ...cells.map(row)])}${faultLines(faults)}`
  )
}

function row({ state, system, median }: Cell): string[] {
  const { get, put, appliedPerSecond, apiCpu, loopP99Ms } = median
  return [
    state,
    system,
    ...latencies(get),
    ...latencies(put),
    appliedPerSecond > 0 ? whole(appliedPerSecond) : '',
    (100 * apiCpu).toFixed(0),
    loopP99Ms.toFixed(1),
  ]
}

function latencies({ p50Ms, p99Ms, maxMs }: Latency): string[] {
  return [p50Ms.toFixed(2), p99Ms.toFixed(2), maxMs.toFixed(1)]
}
