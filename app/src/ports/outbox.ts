import type { Message } from './queue.ts'

export interface OutboxEntry {
  readonly id: string
  readonly message: Message
}

/**
 * Messages that were committed with the rows they speak of and have not reached the queue yet. Every process may send
 * them; each is one process's for a while, and the next one's when that is over.
 */
export interface Outbox {
  /** Up to `max`, the oldest first, which are this caller's for `leaseMs`. Throws `unavailable`. */
  claim(max: number, leaseMs: number): Promise<readonly OutboxEntry[]>
  /** They have been sent. Throws `unavailable`; then they will be sent again. */
  forget(ids: readonly string[]): Promise<void>
  /** Resolves when this process has committed a message since the last call, after `timeoutMs`, or at `signal`. */
  news(timeoutMs: number, signal: AbortSignal): Promise<void>
  /** How many there are, and how long the oldest has waited. Throws `unavailable`. */
  backlog(): Promise<{ readonly messages: number; readonly oldestMs: number }>
}
