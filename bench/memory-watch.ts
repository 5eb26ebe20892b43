import { residentMb } from './process-usage.ts'

export interface MemoryWatch {
  /** Ends it. Returns the most that was seen, in MB. */
  stop(): number
}

const LOOK_EVERY_MS = 100

/** Of the process that `pid` tells at the moment. One that has just ended is not looked at. */
export function watchMemory(pid: () => number): MemoryWatch {
  let peak = 0
  function look(): void {
    try {
      peak = Math.max(peak, residentMb(pid()))
    } catch {}
  }
  look()
  const timer = setInterval(look, LOOK_EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      return peak
    },
  }
}
