import { Agent, request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'

export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  /** `Cache-Status`, empty without one. */
  readonly cacheStatus: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into every answer, whatever its shape.
  readonly json: any
}

/** `unsent`: nobody was there to take it. `lost`: it was sent, or may have been, and there is no whole answer. */
export type Exchange = HttpAnswer | 'unsent' | 'lost'

/** Connections are kept, as by every real client; one that its process takes along is a lost request. */
export const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/** One request, of which the client says afterwards what it knows for certain, and no more. */
export async function exchange(port: number, request: HttpRequest, timeoutMs: number): Promise<Exchange> {
  const { method, path, headers = {}, body } = request
  const { promise, resolve } = Promise.withResolvers<Exchange>()
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const sent = httpRequest({ host: '127.0.0.1', port, method, path, agent, headers: { ...type, ...headers } })
  const timer = setTimeout(() => sent.destroy(), timeoutMs)
  sent.on('response', (response) => {
    text(response).then(
      (body) =>
        resolve({
          status: response.statusCode ?? 0,
          cacheStatus: String(response.headers['cache-status'] ?? ''),
          json: body === '' ? undefined : JSON.parse(body),
        }),
      () => resolve('lost'),
    )
  })
  sent.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED' ? 'unsent' : 'lost'))
  sent.end(body)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
