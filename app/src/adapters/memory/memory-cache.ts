import { type Cache, type Cached, FENCE_MS, type Fence, NOTE_AGE_MS_MAX } from '../../ports/cache.ts'

interface Slot {
  readonly version: number
  /** Undefined for a fence. */
  readonly cached: Cached | undefined
  /** On the clock of `performance.now()`. */
  readonly untilMs: number
}

/**
 * The cache port in one process's memory, and the readable specification of it. Nothing travels here, so what is young
 * enough to be sent is in time. It is bounded by lifetimes alone: for tests.
 */
export function createMemoryCache({ lifetimeMs }: { readonly lifetimeMs: number }): Cache {
  const slots = new Map<string, Slot>()
  let position: number | undefined

  function there(id: string): Slot | undefined {
    const slot = slots.get(id)
    if (slot !== undefined && slot.untilMs > performance.now()) return slot
    slots.delete(id)
    return undefined
  }

  function put(id: string, version: number, cached: Cached | undefined, ms: number): boolean {
    const slot = there(id)
    const isNews = slot === undefined || slot.version < version
    const fillsFence = slot?.version === version && slot.cached === undefined && cached !== undefined
    if (!isNews && !fillsFence) return false
    slots.set(id, { version, cached, untilMs: performance.now() + ms })
    return true
  }

  function putFences(fences: readonly Fence[]): void {
    for (const { id, version } of fences) put(id, version, undefined, FENCE_MS)
  }

  return {
    async get(id) {
      const cached = there(id)?.cached
      return cached && { ...cached, position }
    },

    async keep(cached, asOfMs) {
      if (performance.now() - asOfMs > NOTE_AGE_MS_MAX) return false
      const { id, version, value } = cached.entry
      return put(id, version, cached, value === undefined ? FENCE_MS : lifetimeMs)
    },

    async fence(fences) {
      putFences(fences)
    },

    async position() {
      return { lowest: position, isWhole: position !== undefined }
    },

    async repair({ after, last, fences, isRestart }) {
      if (!isRestart) {
        if (position === undefined || position < after) return 'lost'
        if (position >= last) return 'known'
      }
      putFences(fences)
      position = last
      return 'applied'
    },

    status: () => ({ state: 'ok', latencyMs: 0 }),
    async start() {},
    async close() {},
  }
}
