import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { AppError } from '../domain/errors.ts'
import type { Exchange } from './exchange.ts'

/** What is read and thrown away beyond a body's limit, so that its client can read the answer before the close. */
const DISCARD_BYTES_MAX = 8 * 1024 * 1024

/**
 * Reads a body as text. Its bytes count as held by the exchange from their arrival on. Rejects with `too_large`
 * beyond `bytesMax`, `overloaded` when the memory budget is used up, `invalid_json` for what is not UTF-8, and
 * `bad_request` when the client breaks off.
 */
export function readText(stream: IncomingMessage, bytesMax: number, exchange: Exchange): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const chunks: Buffer[] = []
  let received = 0
  let refusal: AppError | undefined

  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
    refusal ??= refusalOf(received, bytesMax) ?? holdRefusal(exchange, chunk.length)
    if (refusal === undefined) chunks.push(chunk)
    else chunks.length = 0
    if (received > bytesMax + DISCARD_BYTES_MAX) reject(refusal)
  })
  stream.on('end', () => {
    if (refusal !== undefined) return reject(refusal)
    const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
    if (isUtf8(bytes)) resolve(bytes.toString('utf8'))
    else reject(new AppError('invalid_json', 'The body is not valid UTF-8.'))
  })
  stream.on('error', (cause) => reject(new AppError('bad_request', 'The body broke off.', { cause })))
  return promise
}

function refusalOf(received: number, bytesMax: number): AppError | undefined {
  if (received <= bytesMax) return undefined
  return new AppError('too_large', `The body is larger than ${bytesMax} bytes.`)
}

function holdRefusal(exchange: Exchange, bytes: number): AppError | undefined {
  try {
    exchange.hold(bytes)
    return undefined
  } catch (error) {
    return error as AppError
  }
}
