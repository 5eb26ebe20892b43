import type { Random } from '../app/test/support/random.ts'
import type { DebianTool } from '../local/debian.ts'
import type { Recording } from './recording.ts'
import type { Stage } from './stage.ts'
import type { Claim, Verdict } from './verdict.ts'

/** One step of the story: what presses, what is done about it, and the claims that are measured. */
export interface Act {
  /** What `--act` calls it. */
  readonly name: string
  readonly tier: 1 | 2 | 4
  readonly title: string
  /** Why there is such a step, in a sentence or two. */
  readonly why: string
  /** Programs that it needs beside Node and PostgreSQL. */
  readonly needs?: readonly DebianTool[]
  /** Plays it on real processes, and ends those that it started. Throws when it cannot go on, which fails it. */
  play(scene: Scene): Promise<void>
}

/** What an act has at hand. */
export interface Scene {
  /** Servers that all acts share. */
  readonly stage: Stage
  readonly recording: Recording
  readonly random: Random
  readonly length: Length
  /** By how many times a bound on a time may be missed: 1, or more where others use this machine too (see `crowding`). */
  patience(): number
  /** Of a time that has a bound, which counts only where the machine is quiet enough. */
  within(ms: number, msMax: number): Verdict
  /** Tells what happens now. */
  now(what: string): void
  /** Tells of a fault, or of its end, and marks it in the plot. */
  mark(what: string): void
  /** A claim with what was measured; every act has some, and each of them can fail. It is as good as its worst part. */
  claim(says: string, measured: string, ...parts: readonly (Verdict | boolean)[]): void
}

/** How long an act lets things run. A shortened one is for tests. */
export interface Length {
  /** Of a stretch of load in which something is measured. */
  readonly stretchMs: number
  readonly importLines: number
  /** Of each of several imports at one time. */
  readonly eachImportLines: number
}

export const WHOLE: Length = { stretchMs: 3000, importLines: 60_000, eachImportLines: 15_000 }
export const SHORT: Length = { stretchMs: 800, importLines: 15_000, eachImportLines: 4_000 }

/** An act that was played. */
export interface Played {
  readonly act: Act
  readonly claims: readonly Claim[]
  readonly patience: number
  readonly recording: Recording
  readonly tookMs: number
}
