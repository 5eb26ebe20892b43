import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { History, Operation, Violation } from '../history/history.ts'

const VIOLATIONS_SHOWN = 5

/** Keeps the history in a file, and says in what it breaks which promise. */
export function reportOf(history: History, violations: readonly Violation[], seed: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'consistency-'))
  const path = join(folder, 'history.jsonl')
  const lines = [
    ...history.operations.map((operation) => ({ operation })),
    ...history.readers.map((reader) => ({ reader })),
  ]
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const rules = [...Map.groupBy(violations, ({ rule }) => rule)].map(
    ([rule, all]) => `${all.length} × ${rule}`,
  )
  return [
    `TEST_SEED=${seed}: ${violations.length} violations; the history is in ${path}`,
    ...rules,
    ...violations.slice(0, VIOLATIONS_SHOWN).map(shown),
  ].join('\n')
}

function shown({ rule, detail, operations }: Violation): string {
  return [`\n${rule}: ${detail}`, ...operations.map(operationText)].join('\n')
}

function operationText({ startMs, endMs, text }: Operation): string {
  return `  ${startMs.toFixed(1)} to ${endMs.toFixed(1)} ms: ${text}`
}
