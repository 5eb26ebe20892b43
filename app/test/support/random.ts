import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'

export interface Random {
  /** An integer from 0 to `end` - 1. */
  below(end: number): number
  /** True in `share` of all calls. */
  chance(share: number): boolean
  pick<T>(choices: readonly T[]): T
}

/** Random numbers of which a failed test says the seed; `TEST_SEED` brings the same ones back. */
export function randomOf(t: TestContext): Random {
  return randomFrom(seedOf(t))
}

export function seedOf(t: TestContext): number {
  const seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 32))
  t.diagnostic(`TEST_SEED=${seed}`)
  return seed
}

export function randomFrom(seed: number): Random {
  // mulberry32: small, and good enough to vary a test.
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(next() * end)
  return {
    below,
    chance: (share) => next() < share,
    pick: (choices) => choices[below(choices.length)] as (typeof choices)[number],
  }
}
