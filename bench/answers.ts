import { ifChanged } from './item-requests.ts'
import { ask, header, type RawAnswer, type Request } from './raw-http.ts'
import { getSeeded, putSmall } from './workloads.ts'

/** An answer that the bare server can repeat; `headers` are names and values in turn, as `writeHead` takes them. */
export interface Answer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
}

/** All that the bare server says, so that both servers put the same bytes on the wire. */
export interface Answers {
  readonly item: Answer
  readonly notModified: Answer
  readonly put: Answer
  readonly keepAliveSeconds: number
}

const put = putSmall(0)

/** Asks a running service for each answer once. Throws when one has another status than it should have. */
export async function recordAnswers(origin: URL): Promise<Answers> {
  const item = await expectStatus(200, origin, getSeeded)
  const notModified = await expectStatus(304, origin, ifChanged(getSeeded, item))
  // The first PUT may create the item, which is another answer.
  await ask(origin, put)
  const replaced = await expectStatus(200, origin, put)
  const keepAliveSeconds = Number(/timeout=(\d+)/.exec(header(item, 'keep-alive') ?? '')?.[1] ?? 5)
  return { item: answer(item), notModified: answer(notModified), put: answer(replaced), keepAliveSeconds }
}

async function expectStatus(status: number, origin: URL, request: Request): Promise<RawAnswer> {
  const given = await ask(origin, request)
  if (given.status === status) return given
  throw new Error(`${request.method} ${request.path} answered ${given.status}, not ${status}: ${given.body}`)
}

// node:http writes these itself.
const AUTOMATIC = new Set(['date', 'connection', 'keep-alive'])

function answer({ status, headers, body }: RawAnswer): Answer {
  return { status, headers: headers.filter(([name]) => !AUTOMATIC.has(name.toLowerCase())).flat(), body }
}
