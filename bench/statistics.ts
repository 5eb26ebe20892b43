/** The middle of the values, or the mean of the two middle ones; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** Of each figure the median over the rounds, of which there has to be one. */
export function medians<Figures extends Readonly<Record<keyof Figures, number>>>(
  rounds: readonly Figures[],
): Figures {
  const names = Object.keys(rounds[0] ?? {}) as (keyof Figures)[]
  const each = names.map((name) => [name, median(rounds.map((figures) => figures[name]))])
  return Object.fromEntries(each)
}

/** The smallest value that `fraction` (0…1) of all values do not exceed (nearest rank); NaN for none. */
export function percentile(values: Iterable<number>, fraction: number): number {
  const sorted = Float64Array.from(values).sort()
  const rank = Math.max(1, Math.ceil(fraction * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}
