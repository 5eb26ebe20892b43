import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A row of the README's table of tiers; names of variables are in backticks. */
export interface Tier {
  readonly tier: number
  readonly name: string
  /** To the environment. */
  readonly adds: string
  readonly gains: string
  readonly lacks: string
}

const ROW = /^\| (\d) ([^|]+)\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm

/** The table of the README: it is written in one place. */
export function readTiers(): Tier[] {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  return [...readme.matchAll(ROW)].map((row) => {
    const [, tier = '', name = '', adds = '', gains = '', lacks = ''] = row.map((cell) => cell.trim())
    return { tier: Number(tier), name, adds, gains, lacks }
  })
}
