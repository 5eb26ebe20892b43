/** One hostile (or harmless) message of the fuzzer, and what it may do. */
export interface Shot {
  /** What is hostile about it. */
  readonly kind: string
  readonly bytes: Buffer
  readonly method: string
  /** Its `X-Request-Id`; undefined when it is not sure to arrive. */
  readonly requestId: string | undefined
  /** Framed as HTTP asks for it: it gets exactly one answer. Otherwise FIN is sent behind it. */
  readonly isFramed: boolean
  /** What it writes when it is answered 2xx; undefined when it is to write nothing. */
  readonly write: Write | undefined
}

export type Write =
  /** An answered item; `value` is its text when it is known, `id` when the client chose it. */
  | { readonly type: 'item'; readonly id: string | undefined; readonly value: string | undefined }
  | { readonly type: 'delete'; readonly id: string }
  | { readonly type: 'batch'; readonly operations: readonly BatchWrite[] }

export interface BatchWrite {
  readonly id: string
  /** Undefined deletes. */
  readonly value: string | undefined
}

export interface Parts {
  readonly method: string
  readonly path: string
  /** Pairs, because a name may come twice. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: Buffer
}

/** A message's bytes, with `Content-Length` for the body unless `headers` has a length of its own. */
export function messageBytes({ method, path, headers = [], body }: Parts, requestId: string): Buffer {
  const all = [['Host', 'fuzz'] as const, ['X-Request-Id', requestId] as const, ...headers]
  const hasLength = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  if (body !== undefined && !hasLength) all.push(['Content-Length', String(body.length)])
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}
