import type { Environment } from './environment.ts'
import type { Overload } from './overload.ts'
import type { Latency } from './run-open-loop.ts'
import type { StartUp } from './start-up.ts'
import { faultLines, table, whole } from './text.ts'
import type { Cell } from './throughput.ts'

export function environmentText({ commit, node, kernel, cpu, cores, loadBefore }: Environment): string {
  const machine = `${cores} × ${cpu}, Linux ${kernel}`
  return `commit ${commit}, Node ${node}, ${machine}, load average before ${loadBefore.toFixed(2)}`
}

/** One line for each load; two subjects side by side, and the second's requests per CPU-second as a part of the first's. */
export function throughputTable(cells: readonly Cell[]): string {
  const subjects = [...new Set(cells.map((cell) => cell.subject))]
  const figures = ['requests/s', 'p50 ms', 'p99 ms', 'requests/CPU-s', 'RSS MB']
  const header = [
    '',
    '',
    ...figures.flatMap((figure) => [figure, ...subjects.slice(1).map(() => '')]),
    'ratio',
  ]
  const names = ['workload', 'connections', ...figures.flatMap(() => subjects), 'CPU-s']
  const rows = Map.groupBy(cells, (cell) => `${cell.workload} ${cell.connections}`)
  return table([header, names, ...rows.values().map(throughputRow)])
}

function throughputRow(cells: readonly Cell[]): string[] {
  const columns = [
    cells.map(({ median }) => whole(median.requestsPerSecond)),
    cells.map(({ median }) => median.p50Ms.toFixed(2)),
    cells.map(({ median }) => median.p99Ms.toFixed(2)),
    cells.map(({ median }) => whole(median.requestsPerCpuSecond)),
    cells.map(({ median }) => whole(median.residentMb)),
  ]
  return [
    cells[0]?.workload ?? '',
    String(cells[0]?.connections),
    ...columns.flat(),
    cpuRatio(cells).toFixed(2),
  ]
}

function cpuRatio([first, second]: readonly Cell[]): number {
  return (
    (second?.median.requestsPerCpuSecond ?? Number.NaN) / (first?.median.requestsPerCpuSecond ?? Number.NaN)
  )
}

export function startUpTable(starts: readonly StartUp[]): string {
  const rows = starts.map(({ subject, startMs, idleResidentMb }) => [
    subject,
    whole(startMs),
    whole(idleResidentMb),
  ])
  return table([['', 'start to ready, ms', 'idle RSS MB'], ...rows])
}

export function overloadText({ closed, open, faults }: Overload): string {
  const { arrivals } = open
  const share = (count: number): string => `${whole(count)} (${((100 * count) / arrivals).toFixed(1)}%)`
  const ofPeak = (open.acceptedPerSecond / closed.peakGoodput).toFixed(2)
  const lines = [
    `closed loop: peak ${whole(closed.peakGoodput)}/s at ${closed.peakConnections} connections, ` +
      `${whole(closed.doubledGoodput)}/s at ${2 * closed.peakConnections}: ratio ${closed.ratio.toFixed(2)}`,
    `open loop: ${whole(open.arrivalsPerSecond)} arrivals/s, ${(100 * open.onTime).toFixed(1)}% on time ` +
      `(${open.lateMsMax} ms), ${open.connections} connections, generator at ${(100 * open.generatorCpu).toFixed(0)}% of a core`,
    `  accepted ${share(open.accepted)}, ${whole(open.acceptedPerSecond)}/s, ${ofPeak} of the peak: ${latencyText(open.acceptedLatency)}`,
    `  shed ${share(open.shed)}: ${open.shed === 0 ? '–' : latencyText(open.shedLatency)}`,
    `  failed ${share(open.failed)}, unsent ${share(open.unsent)}; peak RSS ${whole(open.peakResidentMb)} MB`,
  ]
  return `${lines.join('\n')}\n${faultLines(faults)}`
}

function latencyText({ p50Ms, p99Ms, maxMs }: Latency): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms`
}
