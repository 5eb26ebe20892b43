export interface Rounds {
  readonly rounds: number
  /** Runs before each round, of which the first is 1. */
  readonly before?: (round: number) => void
}

/**
 * Measures all in turn within each round, and backwards in every other one, so that whatever disturbs the machine
 * disturbs all of them. Resolves to the figures of each, a round after the other.
 */
export async function inRounds<Measured, Figures>(
  all: readonly Measured[],
  { rounds, before = () => {} }: Rounds,
  measure: (one: Measured, round: number) => Promise<Figures>,
): Promise<Figures[][]> {
  const figures = all.map((): Figures[] => [])
  for (let round = 1; round <= rounds; round += 1) {
    before(round)
    const order = [...all.entries()]
    for (const [at, one] of round % 2 === 1 ? order : order.reverse()) {
      figures[at]?.push(await measure(one, round))
    }
  }
  return figures
}
