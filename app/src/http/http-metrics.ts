import { Counter, Gauge, type Registry } from 'prom-client'
import { createRequestDurations } from './request-durations.ts'
import type { WaitingLine } from './waiting-line.ts'

export interface HttpMetrics {
  /** An answered request: rate, errors and duration come from this one histogram. `route` is a pattern, never a path. */
  answered(method: string, route: string, status: number, seconds: number): void
  /** A request whose client left before the answer was complete. */
  aborted(): void
  shed(reason: string): void
  /** Bytes that no parser could make a request of, by the parser's error code. */
  clientError(code: string): void
  inFlight(requests: number): void
}

export function createHttpMetrics(registry: Registry, line: WaitingLine): HttpMetrics {
  const registers = [registry]
  const durations = createRequestDurations(registry)
  let inFlight = 0
  const aborted = new Counter({
    name: 'http_requests_aborted_total',
    help: 'Requests whose client left before the answer was complete.',
    registers,
  })
  const shed = new Counter({
    name: 'http_requests_shed_total',
    help: 'Requests and connections that were turned away, by what was full.',
    labelNames: ['reason'] as const,
    registers,
  })
  const clientErrors = new Counter({
    name: 'http_client_errors_total',
    help: 'Connections closed for what the HTTP parser refused or for its timeouts, by error code.',
    labelNames: ['code'] as const,
    registers,
  })
  gauge(registers, 'http_requests_in_flight', 'Requests whose answers are not complete.', () => inFlight)
  gauge(registers, 'http_line_requests', 'Requests that wait for an answer.', () => line.length)
  gauge(registers, 'http_line_bytes', 'Bytes of bodies and answers held in memory.', () => line.bytes)
  gauge(
    registers,
    'http_line_age_seconds',
    'How long the request that has waited longest has waited.',
    () => line.ageMs / 1000,
  )
  return {
    answered: durations.observe,
    aborted: () => aborted.inc(),
    shed: (reason) => shed.inc({ reason }),
    clientError: (code) => clientErrors.inc({ code }),
    inFlight(requests) {
      inFlight = requests
    },
  }
}

function gauge(registers: Registry[], name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read())
    },
  })
}
