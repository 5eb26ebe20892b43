import { LRUCache } from 'lru-cache'
import type { Cached, Fence } from '../ports/cache.ts'

/** Entries live so long, from the moment before they were asked for. Nothing tells this level of others' writes. */
export const NEAR_MS = 250

/** What an entry takes beside its text: objects, numbers and its place in the list; measured 310 bytes. */
const ENTRY_BYTES = 400

/** The hottest entries in this process's own memory, bounded in bytes. */
export interface NearLevel {
  get(id: string): Cached | undefined
  /** Keeps the entry unless something newer is known. `asOfMs`: the moment before it was asked for. */
  keep(cached: Cached, asOfMs: number): void
  /** Forgets what is older than this version, and refuses it for as long as it would live. */
  fence(fence: Fence): void
  readonly bytes: number
}

interface Slot {
  readonly version: number
  /** Undefined for a fence. */
  readonly cached: Cached | undefined
}

/** `bytesMax` 0 keeps nothing. */
export function createNearLevel(bytesMax: number): NearLevel {
  if (bytesMax === 0) return { get: () => undefined, keep() {}, fence() {}, bytes: 0 }
  const slots = new LRUCache<string, Slot>({ maxSize: bytesMax, ttl: NEAR_MS })

  function put(id: string, slot: Slot, size: number, start: number): void {
    const there = slots.peek(id)
    const isNews = there === undefined || there.version < slot.version
    const isSame = there?.version === slot.version && slot.cached !== undefined
    if (isNews || isSame) slots.set(id, slot, { size, start })
  }

  return {
    get: (id) => slots.get(id)?.cached,
    keep(cached, asOfMs) {
      const { id, version, value = '' } = cached.entry
      // Two bytes for each unit of UTF-16, although V8 has one for a text that fits into Latin-1.
      put(id, { version, cached }, ENTRY_BYTES + 2 * (id.length + value.length), asOfMs)
    },
    fence({ id, version }) {
      put(id, { version, cached: undefined }, ENTRY_BYTES + 2 * id.length, performance.now())
    },
    get bytes() {
      return slots.calculatedSize
    },
  }
}
