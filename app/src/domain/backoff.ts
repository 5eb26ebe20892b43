/**
 * How long to wait before attempt `attempt` + 1 (0 before the second): exponential with full jitter, so that processes
 * that lost the same thing at the same time do not come back for it at the same time. See "Exponential Backoff And
 * Jitter", AWS Architecture Blog.
 */
export function backoffMs(attempt: number, { baseMs, maxMs }: { baseMs: number; maxMs: number }): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** attempt)
}
