/** Where the time comes from, so that a test can own it. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch: what items and changes are stamped with. */
  nowMs(): number
}

export const systemClock: Clock = { nowMs: Date.now }
