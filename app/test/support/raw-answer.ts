/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number
  /** By lower-case name; a repeated header's values are joined by a comma. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

export interface Framing {
  /** An answer to HEAD has no body, whatever its headers say. */
  readonly toHead?: boolean
}

const HEAD_END = '\r\n\r\n'

/** The answer at the start of `received` with its length, or undefined while it is not complete. */
export function takeAnswer(
  received: Buffer,
  hasEnded: boolean,
  { toHead = false }: Framing,
): { answer: Answer; bytes: number } | undefined {
  const headEnd = received.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = received.toString('latin1', 0, headEnd).split('\r\n')
  const [, digits] = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine) ?? []
  if (digits === undefined) throw new Error(`not a status line: ${statusLine}`)
  const status = Number(digits)
  const headers = headersOf(lines)
  const rest = received.subarray(headEnd + HEAD_END.length)
  const headBytes = headEnd + HEAD_END.length
  if (status === 100) {
    const final = takeAnswer(rest, hasEnded, { toHead })
    return final === undefined ? undefined : { answer: final.answer, bytes: headBytes + final.bytes }
  }
  const found = takeBody(rest, hasEnded, headers, toHead || status === 204 || status === 304)
  if (found === undefined) return undefined
  return { answer: { status, headers, body: found.body }, bytes: headBytes + found.bytes }
}

function headersOf(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return headers
}

type Body = { body: Buffer; bytes: number }

function takeBody(
  rest: Buffer,
  hasEnded: boolean,
  headers: ReadonlyMap<string, string>,
  isEmpty: boolean,
): Body | undefined {
  if (isEmpty) return { body: Buffer.alloc(0), bytes: 0 }
  if (headers.get('transfer-encoding') === 'chunked') return takeChunks(rest)
  const contentLength = headers.get('content-length')
  // Without a length, the body goes on to the end of the connection (RFC 9112, section 6.3).
  if (contentLength === undefined) return hasEnded ? { body: rest, bytes: rest.length } : undefined
  const bytes = Number(contentLength)
  return rest.length < bytes ? undefined : { body: rest.subarray(0, bytes), bytes }
}

function takeChunks(rest: Buffer): Body | undefined {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16)
    const start = lineEnd + 2
    if (rest.length < start + size + 2) return undefined
    at = start + size + 2
    if (size === 0) return { body: Buffer.concat(chunks), bytes: at }
    chunks.push(rest.subarray(start, start + size))
  }
}
