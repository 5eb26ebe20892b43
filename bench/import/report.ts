import { faultLines, whole } from '../report.ts'
import type { ImportMeasured } from './import.ts'

export function importText(measured: ImportMeasured): string {
  const {
    lines,
    bytes,
    receivedSeconds,
    appliedSeconds,
    linesPerSecond,
    cpuUs,
    restMb,
    peakMb,
    copySeconds,
    faults,
  } = measured
  return (
    `import of ${whole(lines)} lines, ${whole(bytes / 1e6)} MB: received in ${receivedSeconds.toFixed(1)} s, applied ` +
    `after ${appliedSeconds.toFixed(1)} s: ${whole(linesPerSecond)} lines/s, service CPU ${cpuUs.toFixed(1)} µs a line\n` +
    `  memory of the service ${whole(restMb)} MB at rest, ${whole(peakMb)} MB at the most\n` +
    `  COPY of the same rows into an empty table: ${copySeconds.toFixed(1)} s, ${(appliedSeconds / copySeconds).toFixed(1)} times as fast\n` +
    faultLines(faults)
  )
}
