import { median } from '../statistics.ts'
import { faultLines, table, whole } from '../text.ts'
import type { ImportMeasured } from './import.ts'
import type { ImportRun } from './import-run.ts'

const HEADER = ['', 'received', 'applied', '', 'times', '', 'CPU', 'RSS MB', 'RSS MB', '']
const NAMES = ['', 'after s', 'after s', 'lines/s', 'COPY', 'process', 'µs/line', 'at rest', 'most', 'grown']

export function importText({ lines, runs, copySeconds, faults }: ImportMeasured): string {
  const rows = runs.flatMap((run) => runRows(run, copySeconds))
  const copyRow = ['COPY', '', copySeconds.toFixed(1), whole(lines / copySeconds), '1.0', '', '', '', '', '']
  return (
    `import of ${whole(lines)} lines, ${whole((runs[0]?.bytes ?? 0) / 1e6)} MB; nothing is pinned to a processor\n` +
    `${table([HEADER, NAMES, ...rows, copyRow])}${runs.map(disturbedText).join('')}${faultLines(faults)}`
  )
}

function runRows(run: ImportRun, copySeconds: number): string[][] {
  const { form, receivedSeconds, appliedSeconds, linesPerSecond, processes } = run
  const first = [
    form,
    receivedSeconds.toFixed(1),
    appliedSeconds.toFixed(1),
    whole(linesPerSecond),
    (appliedSeconds / copySeconds).toFixed(1),
  ]
  return processes.map(({ name, restMb, peakMb, cpuUs }, at) => [
    ...(at === 0 ? first : first.map(() => '')),
    name,
    cpuUs?.toFixed(1) ?? '',
    whole(restMb),
    whole(peakMb),
    whole(peakMb - restMb),
  ])
}

function disturbedText({ form, disturbed, notOnce }: ImportRun): string {
  if (disturbed === undefined) return ''
  const { kills, takeoverSeconds } = disturbed
  const once =
    notOnce.length === 0
      ? 'each good line took effect once, each bad one is counted once'
      : 'something did not take effect once'
  return (
    `${form}: ${kills} times, the message sent twice: ${once}; lines were applied again ` +
    `${median(takeoverSeconds).toFixed(1)} s after a kill (median), ${Math.max(...takeoverSeconds).toFixed(1)} s at most\n`
  )
}
