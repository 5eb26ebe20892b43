import { connect, type Socket } from 'node:net'
import { within } from './deadline.ts'
import { type Answer, type Framing, takeAnswer } from './raw-answer.ts'

const ANSWER_MS_MAX = 10_000

/** A TCP connection to the service on which a test decides about every byte. */
export interface RawClient extends Disposable {
  readonly socket: Socket
  send(bytes: string | Buffer): void
  /** Sends, and resolves when the kernel has taken it or the connection has ended. */
  sent(bytes: string | Buffer): Promise<void>
  /** Sends FIN; answers can still be read. */
  finish(): void
  /** The next answer, or undefined when the connection has ended without one. */
  answer(framing?: Framing & { readonly withinMs?: number }): Promise<Answer | undefined>
  /** Resolves once the service has ended the connection, to what came that no `answer` has taken. */
  ended(withinMs?: number): Promise<string>
  readonly hasEnded: boolean
  destroy(): void
}

export async function connectRaw(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  let received: Buffer = Buffer.alloc(0)
  let hasEnded = false
  let news = Promise.withResolvers<void>()
  const tell = () => {
    news.resolve()
    news = Promise.withResolvers()
  }
  const end = () => {
    hasEnded = true
    tell()
  }
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    tell()
  })
  socket.on('end', end)
  socket.on('close', end)
  // A reset is an end as well; whoever waits for an answer learns that there is none.
  socket.on('error', () => {})
  await connected(socket)

  async function nextAnswer(framing: Framing): Promise<Answer | undefined> {
    for (;;) {
      const found = takeAnswer(received, hasEnded, framing)
      if (found !== undefined) {
        received = received.subarray(found.bytes)
        return found.answer
      }
      if (hasEnded) return undefined
      await news.promise
    }
  }

  async function theEnd(): Promise<string> {
    while (!hasEnded) await news.promise
    return received.toString('latin1')
  }

  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    sent(bytes) {
      const { promise, resolve } = Promise.withResolvers<void>()
      socket.write(bytes, () => resolve())
      return promise
    },
    finish: () => void socket.end(),
    answer: ({ withinMs = ANSWER_MS_MAX, ...framing } = {}) =>
      within(withinMs, 'an answer or the end of the connection', nextAnswer(framing)),
    ended: (withinMs = ANSWER_MS_MAX) => within(withinMs, 'the service ends the connection', theEnd()),
    get hasEnded() {
      return hasEnded || socket.destroyed
    },
    destroy: () => void socket.destroy(),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

function connected(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('connect', resolve)
  socket.once('close', () => reject(new Error('the connection was refused')))
  return promise
}

/** Sends the bytes on a connection of their own and takes the first answer. */
export async function askRaw(
  port: number,
  bytes: string | Buffer,
  framing?: Framing,
): Promise<Answer | undefined> {
  using client = await connectRaw(port)
  client.send(bytes)
  return await client.answer(framing)
}

export interface RequestParts {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** The bytes of a well-formed request. */
export function requestBytes({ method = 'GET', path = '/', headers = {}, body }: RequestParts): Buffer {
  const all: Record<string, string> = { Host: 'test', ...headers }
  if (body !== undefined) {
    all['Content-Type'] ??= 'application/json'
    all['Content-Length'] ??= String(Buffer.byteLength(body))
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body)])
}
