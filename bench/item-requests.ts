import { header, type RawAnswer, type Request } from './raw-http.ts'

export function getItem(id: string): Request {
  return { method: 'GET', path: `/data/${id}` }
}

/** `value` is JSON text. */
export function putItem(id: string, value: string): Request {
  const headers = { 'Content-Type': 'application/json' }
  return { method: 'PUT', path: `/data/${id}`, headers, body: value }
}

/** The GET that is answered 304 as long as nothing has changed since this answer. Throws when it has no ETag. */
export function ifChanged(get: Request, answer: RawAnswer): Request {
  const etag = header(answer, 'etag')
  if (etag === undefined) throw new Error(`GET ${get.path} gave no ETag`)
  return { ...get, headers: { 'If-None-Match': etag } }
}
