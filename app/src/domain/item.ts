import { isoTime } from './iso-time.ts'

/** A stored document. `value` is JSON text, kept exactly as the client sent it; times are milliseconds since the epoch. */
export interface Item {
  readonly id: string
  readonly value: string
  readonly version: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** That there is no item: `version` is the deletion's, or 0 when the id was never put. */
export interface Absence {
  readonly id: string
  readonly version: number
  readonly value: undefined
}

/** What there is of an id, as of a version. */
export type Entry = Item | Absence

export function itemOf(entry: Entry): Item | undefined {
  return entry.value === undefined ? undefined : entry
}

/** A committed change. Positions are dense: 1, 2, 3, … without a gap, in an order that extends each id's versions. */
export interface Change {
  readonly position: number
  readonly id: string
  readonly version: number
  readonly op: 'put' | 'delete'
  readonly atMs: number
}

/**
 * What a write expects of the id's current version:
 * a number is that version, 0 is "absent", `any` is "present, whichever version", undefined expects nothing.
 */
export type IfVersion = number | 'any' | undefined

export type Operation =
  | { readonly op: 'put'; readonly id: string; readonly value: string; readonly ifVersion: IfVersion }
  | { readonly op: 'delete'; readonly id: string; readonly ifVersion: IfVersion }

export const ID_PATTERN = '^[A-Za-z0-9._~:@-]{1,200}$'
export const ID_EXPECTED = '1 to 200 characters of A-Z a-z 0-9 . _ ~ : @ -'
export const VALUE_BYTES_MAX = 256 * 1024
export const VALUE_LEVELS_MAX = 200
export const BATCH_OPERATIONS_MAX = 500
export const BATCH_BYTES_MAX = 4 * 1024 * 1024
export const PAGE_ITEMS_MAX = 1000
/** A page of items ends early rather than hold more text than this: 1,000 items of 256 KiB would be 256 MiB. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024

const idPattern = new RegExp(ID_PATTERN)

export function isId(text: string): boolean {
  return idPattern.test(text)
}

/** Whether a write that expects `ifVersion` may go ahead; `current` is 0 for an absent id. */
export function fulfils(ifVersion: IfVersion, current: number): boolean {
  if (ifVersion === undefined) return true
  return ifVersion === 'any' ? current !== 0 : ifVersion === current
}

/** The JSON text of an item. An id needs no escaping, and the value goes out as it came in. */
export function itemText(item: Item): string {
  const createdAt = isoTime(item.createdAtMs)
  const updatedAt = item.updatedAtMs === item.createdAtMs ? createdAt : isoTime(item.updatedAtMs)
  return `{"id":"${item.id}","value":${item.value},"version":${item.version},"createdAt":"${createdAt}","updatedAt":"${updatedAt}"}`
}
