import type { Environment } from '../config.ts'
import { variables } from './variables.ts'

/** A line for each variable that is likely a known one misspelt. A process's environment is full of others' variables. */
export function misspellings(environment: Environment): string[] {
  const known = Object.entries(variables).flatMap(([name, kind]) =>
    kind.isSecret ? [name, `${name}_FILE`] : [name],
  )
  return Object.keys(environment)
    .filter((name) => !known.includes(name))
    .flatMap((name) => {
      const plain = name.replace(/_FILE$/, '')
      if (plain !== name && known.includes(plain))
        return [`${name} is not read: only secrets may be in a file.`]
      const meant = known.find((candidate) => isNear(name.toUpperCase(), candidate))
      return meant === undefined ? [] : [`${name} is not a variable of this service: did you mean ${meant}?`]
    })
}

/** One edit apart, or two in a name of at least eight letters. */
function isNear(name: string, candidate: string): boolean {
  const editsMax = candidate.length < 8 ? 1 : 2
  return Math.abs(name.length - candidate.length) <= editsMax && edits(name, candidate) <= editsMax
}

/** The distance of two words in insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function edits(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, at(i - 2, j - 2) + 1)
      row.push(least)
    }
  }
  return at(a.length, b.length)
}
