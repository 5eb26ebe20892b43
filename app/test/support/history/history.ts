/**
 * What the clients of a run did and saw, with the times of their one clock. Everything that is checked is checked in
 * here: a history needs no service, and can be kept, replayed or made by hand.
 */
export interface History {
  readonly operations: readonly Operation[]
  readonly readers: readonly Reader[]
}

/**
 * `ok`: it took effect. `refused`: its condition did not hold, nothing was done. `failed`: nothing was done, for
 * another reason. `unknown`: it may take effect at any time from its start on, or never.
 */
export type Outcome = 'ok' | 'refused' | 'failed' | 'unknown'

/** One request of a client, or one that it repeated until it was answered. */
export interface Operation {
  /** For people: who asked whom for what, and what was answered. */
  readonly text: string
  readonly startMs: number
  readonly endMs: number
  readonly outcome: Outcome
  /** What it was to do; all of it or nothing. */
  readonly writes: readonly Write[]
  /** What it was shown. */
  readonly sights: readonly Sight[]
  /** A cache answered it: what it was shown may be behind, and says so when nobody could tell by how much. */
  readonly cached?: { readonly isStale: boolean } | undefined
  /** It gave up because others changed the item so many times while it tried. */
  readonly lostRaces?: { readonly id: string; readonly changes: number }
}

export interface Write {
  readonly id: string
  readonly op: 'put' | 'delete'
  /** The value's `by`: what tells the value of this write from all others. Undefined for a delete. */
  readonly by: string | undefined
  /** A version, 0 for "absent", `present`, or undefined for none. A delete always needs a present item. */
  readonly condition: number | 'present' | undefined
  /** What it made, if the client was told. */
  readonly version: number | undefined
}

/** The state of an id at some moment between the start and the end of an operation. */
export interface Sight {
  readonly id: string
  /** 0 for an absent item, whatever versions it had. */
  readonly version: number
  /** Undefined when the version was told without the value. */
  readonly value: Value | undefined
}

/** A put writes its own name into both; a patch only into `by`, so that `since` says what it merged into. */
export interface Value {
  readonly by: string
  readonly since: string
}

/** One client's whole way through the feed, over all its requests and restarts. */
export interface Reader {
  readonly name: string
  /** In the order in which they came. */
  readonly changes: readonly SeenChange[]
  /** Answers that promise to hold all there was when they were asked for. */
  readonly pages: readonly FeedPage[]
}

export interface SeenChange {
  readonly position: number
  readonly id: string
  readonly version: number
  readonly op: 'put' | 'delete'
  readonly seenMs: number
}

export interface FeedPage {
  readonly startMs: number
  /** The position that the reader has reached with it. */
  readonly last: number
}

export interface Violation {
  /** The promise that is broken. */
  readonly rule: string
  readonly detail: string
  readonly operations: readonly Operation[]
}

/** Ids of one pair of twins are always written together, so that they are one item in two places. */
export function registerOf(id: string): string {
  return /^(twins-\d+)-[ab]$/.exec(id)?.[1] ?? id
}
