/** Tells one waiter of news. What rings while nobody waits is heard by the next one who does. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, after `timeoutMs`, or when `signal` aborts. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let hasRung = false
  let hear: (() => void) | undefined
  return {
    ring() {
      hasRung = true
      hear?.()
    },
    async wait(timeoutMs, signal) {
      if (!hasRung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        hear = resolve
        const timer = setTimeout(resolve, timeoutMs)
        signal.addEventListener('abort', hear)
        await promise
        signal.removeEventListener('abort', hear)
        clearTimeout(timer)
        hear = undefined
      }
      hasRung = false
    },
  }
}
