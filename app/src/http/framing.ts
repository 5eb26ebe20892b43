import type { IncomingMessage } from 'node:http'
import { AppError } from '../domain/errors.ts'

/**
 * What Node's parser lets pass and RFC 9112 does not: a message that this service and a proxy in front of it could
 * take for different requests. Its connection has to be closed.
 */
export function faultOf({
  httpVersionMajor,
  httpVersionMinor,
  headers,
  rawHeaders,
}: IncomingMessage): AppError | undefined {
  if (httpVersionMajor !== 1) return fault('Expected HTTP/1.1.')
  const hosts = count(rawHeaders, 'host')
  if (hosts > 1 || (hosts === 0 && httpVersionMinor > 0))
    return fault('Expected one Host header (RFC 9112, section 3.2).')
  const encoding = headers['transfer-encoding']
  if (encoding === undefined) return undefined
  const isChunked = encoding.toLowerCase() === 'chunked' && count(rawHeaders, 'transfer-encoding') === 1
  if (isChunked && httpVersionMinor > 0) return undefined
  return fault('Expected no transfer coding but chunked, once (RFC 9112, section 6.1).')
}

function fault(detail: string): AppError {
  return new AppError('bad_request', detail)
}

/** How often a header was sent; `headers` has only the first of most. */
function count(rawHeaders: readonly string[], name: string): number {
  let found = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] as string
    if (header.length === name.length && header.toLowerCase() === name) found++
  }
  return found
}
