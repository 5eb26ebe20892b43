import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import { createDatabase, type Database } from './postgres.ts'
import { type RedisServer, startRedisServer } from './redis.ts'
import { type Environment, type Service, startService } from './service.ts'
import { type SqsServer, startSqsServer } from './sqs.ts'

export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into every answer, whatever its shape.
  readonly json: any
}

export interface ApiRequest {
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** The API as a client sees it. */
export interface Api {
  readonly url: string
  send(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer>
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>
  /** A body goes out as `application/json`, as it is. */
  put(path: string, body: string, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>
}

/**
 * The service that the tests of this file speak to: the one at `BASE_URL` when it is set, of whatever tier, else a
 * process of its own with `environment`, of the tier that `TEST_TIER` names (by default the highest). Tests use ids of
 * their own, so that it may hold other data.
 */
export function useApi(environment: Environment = {}): Api {
  const tier = process.env.TEST_TIER ?? '4'
  let database: Database | undefined
  let redis: RedisServer | undefined
  let sqs: SqsServer | undefined
  let service: Service | undefined
  let url = process.env.BASE_URL ?? ''
  before(async () => {
    if (url !== '') return
    if (tier !== '1') database = await createDatabase()
    if (tier === '4') [redis, sqs] = await Promise.all([startRedisServer(), startSqsServer()])
    const queue = await sqs?.createQueue()
    service = await startService({
      ...environment,
      ...(database && { DATABASE_URL: database.url }),
      ...(redis && { REDIS_URL: redis.url }),
      ...queue?.environment(),
    })
    url = service.url
  })
  after(async () => {
    await service?.kill()
    await redis?.[Symbol.asyncDispose]()
    await sqs?.[Symbol.asyncDispose]()
    await database?.[Symbol.asyncDispose]()
  })

  async function send(
    method: string,
    path: string,
    { body, headers = {} }: ApiRequest = {},
  ): Promise<ApiAnswer> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(url + path, {
      method,
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body: body as string }),
    })
    const text = await response.text()
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    }
  }

  return {
    get url() {
      return url
    },
    send,
    get: (path, headers = {}) => send('GET', path, { headers }),
    put: (path, body, headers = {}) => send('PUT', path, { body, headers }),
  }
}

export function newId(): string {
  return randomUUID()
}

/** Asserts that the answer is a problem document (RFC 9457) with this status and code, and returns it. */
export function assertProblem(answer: ApiAnswer, status: number, code: string): ApiAnswer['json'] {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
  assert.equal(answer.json.code, code)
  assert.equal(answer.json.status, status)
  assert.equal(answer.json.requestId, answer.headers.get('x-request-id'))
  return answer.json
}

/** Asserts that a problem document names exactly these fields. */
export function assertFields(answer: ApiAnswer, ...pointers: readonly string[]): void {
  const { errors } = assertProblem(answer, 422, 'invalid_field')
  const named = errors.map((error: { pointer: string }) => error.pointer)
  assert.deepEqual(named.toSorted(), pointers.toSorted())
}
