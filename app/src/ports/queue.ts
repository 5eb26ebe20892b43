import type { DependencyStatus } from './dependency.ts'

/** Says that there is work; what the work is, is in the rows that it names. */
export interface Message {
  /** Names the handler. */
  readonly type: string
  /** JSON text, far below the 256 KiB that every queue takes. */
  readonly body: string
  /** Of the request that it comes from (W3C Trace Context, `traceparent`). */
  readonly traceparent?: string | undefined
}

/** A message in somebody's hands: nobody else gets it for a while, as a rule. */
export interface Delivery {
  readonly id: string
  readonly message: Message
  /** 1 the first time. */
  readonly attempt: number
  /** At this attempt the message is given up. */
  readonly attemptsMax: number
}

/**
 * What becomes of a message that was received. `again` gives it back at once, as if it were sent anew: its attempts are
 * counted from the first on. `later` makes it wait for `delayMs`. `dead` puts it aside, with the reason, until an
 * operator gives it back.
 */
export type Verdict =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'again' }
  | { readonly outcome: 'later'; readonly delayMs: number }
  | { readonly outcome: 'dead'; readonly reason: string }

/** Never rejects: what it cannot judge is judged `later` by itself. */
export type Judge = (delivery: Delivery) => Promise<Verdict>

export interface Consumer {
  /** Takes no more messages, and resolves when all that were taken have their verdict. */
  stop(): Promise<void>
}

export interface DeadLetter {
  readonly id: string
  readonly message: Message
  /** Undefined when the queue itself has put it aside: then nobody has lived to say why. */
  readonly reason: string | undefined
  readonly attempts: number | undefined
  readonly sentAtMs: number
}

/** Messages that were given up. For an operator: nothing in the service reads them. */
export interface DeadLetters {
  /** The oldest first, as far as the queue knows; at most `max`. */
  list(max: number): Promise<readonly DeadLetter[]>
  /** Has these, or all of them, tried again from the first attempt on. Resolves to how many there were. */
  giveBack(ids: readonly string[] | 'all'): Promise<number>
}

/**
 * Messages for workers. Delivery is at least once: a message may come twice, late, and after others that were sent
 * later. One that nobody has judged for `VISIBILITY_MS`, because its process is dead or frozen, is delivered again.
 */
export interface Queue {
  /** Resolves when all of them are kept; at most `SEND_MAX`. When it rejects, some may be kept and none need be. */
  send(messages: readonly Message[]): Promise<void>
  /** Has every message judged, `concurrency` of them at one time, whatever goes wrong with the queue in between. */
  consume(judge: Judge, concurrency: number): Consumer
  readonly deadLetters: DeadLetters
  status(): DependencyStatus
  /** Begins to look after the way to the queue. Nobody has to wait for it. */
  start(): void
  close(): void
}

/** As many as one request to SQS takes. */
export const SEND_MAX = 10
/** How long a message stays with a process that gives no sign of life. */
export const VISIBILITY_MS = 6000
/** How often a process that works on a message gives one. */
export const HEARTBEAT_MS = 2000
