import { constants } from 'node:os'

export type StopSignal = 'SIGTERM' | 'SIGINT'

type Handler = (signal: StopSignal) => void

let current: Handler | undefined

/**
 * Has `handler` called with the signal that asks the process to end, in place of the handler before it. The listeners
 * stay: a signal that has come while code was running waits for the event loop, and is lost with the last listener.
 */
export function onStopSignal(handler: Handler): void {
  if (current === undefined) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => current?.(signal))
  }
  current = handler
}

/**
 * Ends the process as the signal would without a handler. The kernel spares PID 1, which the process is in a container,
 * every signal that it has no handler for, so that one exits instead, with the code that shells give.
 */
export function endBy(signal: StopSignal): never {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  process.exit(128 + constants.signals[signal])
}
