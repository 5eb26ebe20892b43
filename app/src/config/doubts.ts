import type { Config } from '../config.ts'

/** A line for values that work together, but hardly as they are meant. */
export function doubts({ capabilities, DATABASE_TIMEOUT_MS, ANSWER_TIMEOUT_MS }: Config): string[] {
  if (!capabilities.includes('database') || DATABASE_TIMEOUT_MS <= ANSWER_TIMEOUT_MS) return []
  return [
    'DATABASE_TIMEOUT_MS is longer than ANSWER_TIMEOUT_MS: behind a slow database requests wait for the former.',
  ]
}
