import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { WaitingLine } from './waiting-line.ts'

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface HttpMetrics {
  /** An answered request: rate, errors and duration come from this one histogram. `route` is a pattern, never a path. */
  answered(method: string, route: string, status: number, seconds: number): void
  /** A request whose client left before the answer was complete. */
  aborted(): void
  shed(reason: string): void
  /** Bytes that no parser could make a request of, by the parser's error code. */
  clientError(code: string): void
  readonly inFlight: { inc(): void; dec(): void }
}

export function createHttpMetrics(registry: Registry, line: WaitingLine): HttpMetrics {
  const registers = [registry]
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer, by route pattern.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: BUCKETS_SECONDS,
    registers,
  })
  const inFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests that have arrived and whose answers are not complete.',
    registers,
  })
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
  lineGauge(registers, 'http_line_requests', 'Requests that wait for an answer.', () => line.length)
  lineGauge(registers, 'http_line_bytes', 'Bytes of bodies and answers held in memory.', () => line.bytes)
  lineGauge(
    registers,
    'http_line_age_seconds',
    'How long the request that has waited longest has waited.',
    () => line.ageMs / 1000,
  )
  return {
    answered: (method, route, status, seconds) => duration.observe({ method, route, status }, seconds),
    aborted: () => aborted.inc(),
    shed: (reason) => shed.inc({ reason }),
    clientError: (code) => clientErrors.inc({ code }),
    inFlight,
  }
}

function lineGauge(registers: Registry[], name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read())
    },
  })
}
