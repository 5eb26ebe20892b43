import type { Played } from './act.ts'
export function reportPage(_: {
  played: readonly Played[]
  conditions: unknown
  seed: number
  tookMs: number
  at: Date
}): string {
  return ''
}
