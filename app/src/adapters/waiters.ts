/** Those who wait for something to happen, be it for a limited time. */
export interface Waiters {
  /** Resolves when `wake` is called, after `timeoutMs`, or when `signal` aborts. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>
  wake(): void
  readonly size: number
}

export function createWaiters(): Waiters {
  const waiting = new Set<() => void>()
  return {
    async wait(timeoutMs, signal) {
      if (signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timeoutMs)
      const wake = () => resolve()
      signal.addEventListener('abort', wake)
      waiting.add(wake)
      await promise
      waiting.delete(wake)
      signal.removeEventListener('abort', wake)
      clearTimeout(timer)
    },
    wake() {
      for (const wake of waiting) wake()
    },
    get size() {
      return waiting.size
    },
  }
}
