import type { ServerResponse } from 'node:http'
import type { Caller } from '../ports/store.ts'
import type { Waiter, WaitingLine } from './waiting-line.ts'

const STALLED_MS = 60_000

/** One request and its answer, as the waiting line and the ports see it. To be closed once the response is. */
export class Exchange implements Caller, Waiter {
  readonly startMs: number
  readonly deadlineMs: number
  /** The pattern of the route that was found for it; `none` for a path that nothing is at. */
  route = 'none'
  before: Waiter | undefined
  behind: Waiter | undefined
  readonly #response: ServerResponse
  readonly #line: WaitingLine
  #heldBytes = 0
  #waits = false

  constructor(response: ServerResponse, line: WaitingLine, answerTimeoutMs: number) {
    this.startMs = performance.now()
    this.deadlineMs = this.startMs + answerTimeoutMs
    this.#response = response
    this.#line = line
  }

  get left(): boolean {
    return this.#response.destroyed || this.#response.socket?.destroyed === true
  }

  /** From here on the request, received as a whole, waits in line for its answer. */
  enterLine(): void {
    this.#waits = true
    this.#line.enter(this)
  }

  /** The request goes on, but no longer waits for an answer: it listens to the change feed. */
  leaveLine(): void {
    if (!this.#waits) return
    this.#waits = false
    this.#line.leave(this)
  }

  /**
   * Cuts the connection when nothing moves on it for `STALLED_MS`: the client does not take its answer. Only for
   * answers that do not fit into the socket's buffers, because a timer for every answer costs more than it guards.
   */
  watchForStall(): void {
    this.#response.socket?.setTimeout(STALLED_MS)
  }

  /** Counts memory that this exchange keeps until it is closed. Throws `overloaded` when there is not so much left. */
  hold(bytes: number): void {
    this.#line.hold(bytes)
    this.#heldBytes += bytes
  }

  /** As `hold`, and never refuses: for the answer to what has been done already. */
  holdAnyway(bytes: number): void {
    this.#line.holdAnyway(bytes)
    this.#heldBytes += bytes
  }

  close(): void {
    this.leaveLine()
    if (this.#heldBytes > 0) this.#line.release(this.#heldBytes)
    this.#heldBytes = 0
  }
}
