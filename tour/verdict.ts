import type { Played } from './act.ts'
import { counted } from './words.ts'

/** `not judged`: missed, where others who use the machine too may be the reason. */
export type Verdict = 'holds' | 'not judged' | 'fails'

export interface Claim {
  readonly says: string
  readonly measured: string
  readonly verdict: Verdict
}

/** Of a time and its bound. Missed by less than `patience` times the bound it says nothing; `patience` 1 spares nothing. */
export function within(ms: number, msMax: number, patience: number): Verdict {
  if (ms < msMax) return 'holds'
  return ms < msMax * patience ? 'not judged' : 'fails'
}

/** Of something that only others who use the machine may spoil. */
export function unlessCrowded(holds: boolean, patience: number): Verdict {
  if (holds) return 'holds'
  return patience > 1 ? 'not judged' : 'fails'
}

export function worstOf(verdicts: readonly (Verdict | boolean)[]): Verdict {
  if (verdicts.some((verdict) => verdict === false || verdict === 'fails')) return 'fails'
  return verdicts.includes('not judged') ? 'not judged' : 'holds'
}

/** Of all claims of these acts. */
export function verdictOf(played: readonly Played[]): Verdict {
  return worstOf(played.flatMap(({ claims }) => claims.map(({ verdict }) => verdict)))
}

/** `7 acts, 23 claims: all hold`, or how many do not. */
export function summaryOf(played: readonly Played[]): string {
  const claims = played.flatMap((one) => one.claims)
  const count = (wanted: Verdict) => claims.filter(({ verdict }) => verdict === wanted).length
  const [hold, open, failed] = [count('holds'), count('not judged'), count('fails')]
  const parts = [
    hold === claims.length ? 'all hold' : `${hold} hold`,
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    ...(open > 0 ? [`${open} not judged: others use this machine`] : []),
  ]
  return `${counted(played.length, 'act')}, ${counted(claims.length, 'claim')}: ${parts.join(', ')}`
}

/** What was measured, and that it decides nothing where it does not. */
export function evidenceOf({ measured, verdict }: Claim): string {
  return verdict === 'not judged' ? `${measured}; not judged: others use this machine` : measured
}

/** What is not judged on a machine of this `patience`; undefined where everything is. */
export function leniency(patience: number): string | undefined {
  if (patience === 1) return undefined
  return `others use this machine: a time above its bound is not judged, up to ${patience.toFixed(1)} times the bound`
}
