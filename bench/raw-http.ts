import { connect } from 'node:net'

export interface Request {
  method: string
  path: string
  headers?: Readonly<Record<string, string>>
  body?: string
}

/**
 * One answer as it came: `headers` in their order and spelling, for the bare server to repeat them, and `bytes` its
 * length on the wire. The raw client of the tests knows more of HTTP, and keeps less of an answer.
 */
export interface RawAnswer {
  status: number
  headers: readonly (readonly [name: string, value: string])[]
  body: string
  bytes: number
}

/** Where an answer ends, and all that a load generator must know of it. */
type Frame = { status: number; bodyAt: number; bytes: number; closes: boolean }

const HEAD_END = '\r\n\r\n'

/** The text of a request, ready to be written to a socket any number of times. */
export function requestText(request: Request, host: string): string {
  const body = request.body ?? ''
  const headers = Object.entries({ Host: host, ...request.headers })
  if (request.body !== undefined) headers.push(['Content-Length', String(Buffer.byteLength(body))])
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
  return `${request.method} ${request.path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/**
 * The answer at the start of the first `length` bytes, or undefined while it is incomplete.
 * Throws for an answer without `Content-Length` that may have a body.
 */
export function frame(buffer: Buffer, length: number): Frame | undefined {
  const end = buffer.indexOf(HEAD_END)
  if (end < 0 || end >= length) return undefined
  const head = buffer.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const bodyAt = end + HEAD_END.length
  const bodyBytes = status === 304 || status === 204 ? 0 : Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1])
  if (Number.isNaN(bodyBytes)) throw new Error(`an answer without Content-Length: ${head}`)
  const bytes = bodyAt + bodyBytes
  return bytes > length ? undefined : { status, bodyAt, bytes, closes: /\nconnection: *close/i.test(head) }
}

/** Sends one request on a connection of its own. Rejects when there is no whole answer within `timeoutMs`. */
export function ask(origin: URL, request: Request, timeoutMs = 5_000): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: origin.hostname, port: Number(origin.port), timeout: timeoutMs })
    let received: Buffer = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('timeout', () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    socket.on('close', () => reject(new Error('the connection ended before the answer did')))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const found = frame(received, received.length)
      if (found === undefined) return
      resolve(rawAnswer(received, found))
      socket.destroy()
    })
    socket.write(requestText(request, origin.host))
  })
}

/** The value of a header, by its name in lower case. */
export function header({ headers }: RawAnswer, name: string): string | undefined {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1]
}

function rawAnswer(buffer: Buffer, { status, bodyAt, bytes }: Frame): RawAnswer {
  const [, ...lines] = buffer.toString('latin1', 0, bodyAt - HEAD_END.length).split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  return { status, headers, body: buffer.toString('utf8', bodyAt, bytes), bytes }
}
