import type { Latency } from './run-open-loop.ts'

/** `12,345`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Cells of a table: p50, p99 and the longest. */
export function latencyCells({ p50Ms, p99Ms, maxMs }: Latency): string[] {
  return [p50Ms.toFixed(2), p99Ms.toFixed(2), maxMs.toFixed(1)]
}

/** Columns as wide as their widest text; the first is aligned to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row.map((text, column) =>
      column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
    ),
  )
  return lines.map((line) => `${line.join('  ')}\n`).join('')
}

/** What was promised and did not hold. */
export function faultLines(faults: readonly string[]): string {
  return faults.map((fault) => `FAIL ${fault}\n`).join('')
}
