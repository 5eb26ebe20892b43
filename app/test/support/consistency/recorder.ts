import type { Operation, Outcome, Write } from '../history/history.ts'
import { type Exchange, exchange, type HttpAnswer, type HttpRequest } from './exchange.ts'

/** Longer than the service takes to give up (`ANSWER_TIMEOUT_MS`), so that only what hangs is given up here. */
export const TIMEOUT_MS = 1500
/** A process that did not answer is left alone for so long, as a balancer would. */
const AVOID_MS = 300

/** What a request means, for when its answer is there. */
export interface Meaning {
  readonly kind: string
  readonly writes?: readonly Write[]
  /** What an answer tells that says that it was done, or refused. */
  readonly tell?: (answer: HttpAnswer) => Told
}

export type Told = Partial<Pick<Operation, 'writes' | 'sights' | 'cached' | 'lostRaces'>>

/** A request, and how its answers are to be understood. */
export interface Asked {
  readonly request: HttpRequest
  readonly meaning: Meaning
}

/** Sends requests to the processes of the service, and writes down what came of them. */
export interface Recorder {
  readonly operations: readonly Operation[]
  /** Requests by what they were for. */
  readonly kinds: ReadonlyMap<string, number>
  /** Answers that nothing explains. */
  readonly surprises: readonly string[]
  /** Writes that this process has acknowledged. */
  acknowledged(process: number): number
  /** Whether it is worth asking this process. */
  answers(process: number): boolean
  run(process: number, asked: Asked): Promise<Recorded>
  /** What several requests did together. */
  add(operation: Operation): void
  surprise(text: string): void
}

export interface Recorded {
  readonly operation: Operation
  readonly answer: Exchange
}

export function createRecorder(ports: readonly number[]): Recorder {
  const operations: Operation[] = []
  const kinds = new Map<string, number>()
  const surprises: string[] = []
  const acknowledged = ports.map(() => 0)
  const avoidedUntilMs = ports.map(() => 0)

  async function run(process: number, { request, meaning }: Asked): Promise<Recorded> {
    const startMs = performance.now()
    const answer = await exchange(ports[process] as number, request, TIMEOUT_MS)
    const endMs = performance.now()
    const outcome = outcomeOf(answer, meaning)
    const name = `${textOf(request)} at ${process}: ${shown(answer)}`
    if (typeof answer === 'string') avoidedUntilMs[process] = endMs + AVOID_MS
    if (outcome === undefined) surprises.push(name)
    const isTold = typeof answer !== 'string' && (outcome === 'ok' || outcome === 'refused')
    const told = isTold ? meaning.tell?.(answer) : undefined
    const operation: Operation = {
      text: name,
      startMs,
      endMs,
      outcome: outcome ?? 'unknown',
      writes: meaning.writes ?? [],
      sights: [],
      ...told,
    }
    operations.push(operation)
    kinds.set(meaning.kind, (kinds.get(meaning.kind) ?? 0) + 1)
    if (outcome === 'ok' && operation.writes.length > 0)
      acknowledged[process] = (acknowledged[process] ?? 0) + 1
    return { operation, answer }
  }

  return {
    operations,
    kinds,
    surprises,
    acknowledged: (process) => acknowledged[process] ?? 0,
    answers: (process) => (avoidedUntilMs[process] ?? 0) < performance.now(),
    run,
    add: (operation) => void operations.push(operation),
    surprise: (text) => void surprises.push(text),
  }
}

/** Undefined for an answer that the API does not have for what was asked. */
function outcomeOf(answer: Exchange, { writes }: Meaning): Outcome | undefined {
  if (answer === 'unsent') return 'failed'
  if (answer === 'lost') return 'unknown'
  const { status, json } = answer
  if (status >= 200 && status < 300) return 'ok'
  // That there is nothing to read is an answer as good as any.
  if (writes === undefined && status === 404) return 'ok'
  if (writes !== undefined && [404, 409, 412].includes(status)) return 'refused'
  if (status === 503 && json.code === 'outcome_unknown') return 'unknown'
  if (status === 503 && ['unavailable', 'overloaded'].includes(json.code)) return 'failed'
  return undefined
}

function textOf({ method, path, headers = {}, body = '' }: HttpRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => ` ${name}: ${value}`)
  return `${method} ${path}${lines.join('')} ${body}`
}

function shown(answer: Exchange): string {
  if (typeof answer === 'string') return answer
  const { status, json } = answer
  return `${status} ${json?.code ?? ''} ${JSON.stringify(json?.version ?? json?.currentVersion ?? json?.errors ?? json?.results ?? '')}`
}
