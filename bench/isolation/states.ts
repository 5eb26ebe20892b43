import { type ImportText, importOf } from '../../app/test/support/work/upload.ts'
import { cancel, upload } from '../import/client.ts'
import { bodyOf, type Lines } from '../import/lines.ts'
import type { System } from '../system.ts'

/** What a system does while its API is measured. */
export interface State {
  readonly name: string
  /** Resolves when it has begun. No id of `nextIndex` or above is in use. */
  begin(system: System, nextIndex: number): Promise<Doing>
}

export interface Doing {
  /** The first index that is not in use. */
  readonly nextIndex: number
  /** Lines that have been applied so far. Throws when there is nothing left to apply. */
  appliedLines(): Promise<number>
  end(): Promise<void>
}

export interface StatesPlan {
  /** How long a figure takes. */
  readonly seconds: number
  /** More than are applied in a second, of about 100 bytes and of 4 KiB, so that imports last. */
  readonly smallLinesPerSecond: number
  readonly largeLinesPerSecond: number
  /** Where it only has to be shown that everything runs: imports may end before the figure is taken. */
  readonly mayEndEarly?: boolean
}

/** For which there has to be something to do as well: the load's processes start and end. */
const MORE_SECONDS = 3

const LARGE_VALUE_BYTES = 4_096
const MANY_IMPORTS = 8

export function states(plan: StatesPlan): State[] {
  const { seconds, smallLinesPerSecond, largeLinesPerSecond, mayEndEarly = false } = plan
  const work = (system: System, all: readonly Lines[]) => workOn(system, all, mayEndEarly)
  const lastingSeconds = seconds + MORE_SECONDS
  const small = { count: smallLinesPerSecond * lastingSeconds }
  const many = { count: Math.ceil(small.count / MANY_IMPORTS) }
  const large = { count: largeLinesPerSecond * lastingSeconds, value: largeValue }
  return [
    { name: 'nothing else', begin: async (_, nextIndex) => doingNothing(nextIndex) },
    { name: 'import worked on', begin: (system, from) => work(system, [{ ...small, from }]) },
    {
      name: `${MANY_IMPORTS} imports worked on`,
      begin: (system, from) => work(system, inARow(MANY_IMPORTS, { ...many, from })),
    },
    { name: 'import of 4 KiB values', begin: (system, from) => work(system, [{ ...large, from }]) },
    { name: 'NDJSON received', begin: (system, from) => receive(system, { from, count: ENDLESS }) },
    {
      name: 'CSV received',
      begin: (system, from) => receive(system, { from, count: ENDLESS, format: 'csv' }),
    },
  ]
}

/** Lines: more than anybody receives. */
const ENDLESS = 50_000_000

function largeValue(id: string): string {
  return `{"id":"${id}","text":"${id.repeat(Math.ceil(LARGE_VALUE_BYTES / id.length))}"}`
}

function inARow(number: number, lines: Lines): Lines[] {
  return Array.from({ length: number }, (_, n) => ({ ...lines, from: lines.from + n * lines.count }))
}

function doingNothing(nextIndex: number): Doing {
  return { nextIndex, appliedLines: async () => 0, end: async () => {} }
}

/** Imports that have been received as a whole, at about the same time. */
async function workOn({ api }: System, all: readonly Lines[], mayEndEarly: boolean): Promise<Doing> {
  const told = await Promise.all(all.map((lines) => upload(api, bodyOf(lines), lines)))
  const look = () => Promise.all(told.map(({ id }) => importOf(api, id)))
  return {
    nextIndex: Math.max(...all.map(({ from, count }) => from + count)),
    async appliedLines() {
      const found = await look()
      const haveEnded = found.every(({ finishedAt }) => finishedAt !== null)
      if (haveEnded && !mayEndEarly) throw new Error('the imports ended too early')
      return sum(found)
    },
    async end() {
      for (const { id } of told) await cancel(api, id)
    },
  }
}

function sum(found: readonly ImportText[]): number {
  return found.reduce((total, { lines }) => total + lines.applied, 0)
}

/** An import whose body goes on until it is broken off. */
async function receive({ api }: System, lines: Lines): Promise<Doing> {
  const breaking = new AbortController()
  const ended = upload(api, bodyOf(lines), { ...lines, signal: breaking.signal }).then(
    () => {
      throw new Error('the body ended too early')
    },
    (error: Error) => {
      if (!breaking.signal.aborted) throw error
    },
  )
  // Whoever waits for the end is told.
  ended.catch(() => {})
  return {
    nextIndex: lines.from,
    appliedLines: async () => 0,
    async end() {
      breaking.abort()
      await ended
    },
  }
}
