import type { Cached, Fence } from '../../ports/cache.ts'

/*
 * What Redis holds under an id. All numbers have a fixed width, so that the script can compare versions as text:
 *
 *   version 16 · kind 1 · created 14 · updated 14 · stored 14 · value
 */

const VERSION_END = 16
const KIND_END = 17
const CREATED_END = KIND_END + 14
const UPDATED_END = CREATED_END + 14
const STORED_END = UPDATED_END + 14

const FENCE = '0'
const ABSENT = '1'
const PRESENT = '2'

const DIGIT_0 = 48

export function fenceText({ version }: Pick<Fence, 'version'>): string {
  return rank(version, FENCE)
}

export function cachedText({ entry, storedAtMs }: Cached): string {
  if (entry.value === undefined) return rank(entry.version, ABSENT) + time(0) + time(0) + time(storedAtMs)
  const times = time(entry.createdAtMs) + time(entry.updatedAtMs) + time(storedAtMs)
  return rank(entry.version, PRESENT) + times + entry.value
}

/** Undefined for a fence. */
export function cachedOf(id: string, text: string): Cached | undefined {
  const kind = text[VERSION_END]
  if (kind === FENCE) return undefined
  const version = integer(text, 0, VERSION_END)
  const storedAtMs = integer(text, UPDATED_END, STORED_END)
  if (kind === ABSENT) return { entry: { id, version, value: undefined }, storedAtMs }
  const createdAtMs = integer(text, KIND_END, CREATED_END)
  const updatedAtMs = integer(text, CREATED_END, UPDATED_END)
  return { entry: { id, value: text.slice(STORED_END), version, createdAtMs, updatedAtMs }, storedAtMs }
}

/** Without a text of its own for each number: this is done for every read. */
function integer(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + text.charCodeAt(at) - DIGIT_0
  return value
}

function rank(version: number, kind: string): string {
  return String(version).padStart(VERSION_END, '0') + kind
}

function time(ms: number): string {
  return String(ms).padStart(CREATED_END - KIND_END, '0')
}
