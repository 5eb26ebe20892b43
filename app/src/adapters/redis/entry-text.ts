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
  const kind = text.slice(VERSION_END, KIND_END)
  if (kind === FENCE) return undefined
  const version = Number(text.slice(0, VERSION_END))
  const storedAtMs = Number(text.slice(UPDATED_END, STORED_END))
  if (kind === ABSENT) return { entry: { id, version, value: undefined }, storedAtMs }
  const createdAtMs = Number(text.slice(KIND_END, CREATED_END))
  const updatedAtMs = Number(text.slice(CREATED_END, UPDATED_END))
  return { entry: { id, value: text.slice(STORED_END), version, createdAtMs, updatedAtMs }, storedAtMs }
}

function rank(version: number, kind: string): string {
  return String(version).padStart(VERSION_END, '0') + kind
}

function time(ms: number): string {
  return String(ms).padStart(CREATED_END - KIND_END, '0')
}
