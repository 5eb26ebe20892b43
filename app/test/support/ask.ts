import assert from 'node:assert/strict'
import { waitUntil } from '../../../local/wait.ts'
import type { Problem } from './problem.ts'
import type { Service } from './service.ts'

type Asked = Pick<Service, 'url'>

export interface Reply<Body> {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: Body
  readonly tookMs: number
}

/** One request with a JSON body and a JSON answer. */
export function ask<Body = unknown>(...request: Request): Promise<Reply<Body>> {
  const reply = sent<Body>(...request)
  // A test that fails before it looks at the reply should fail for its own reason.
  reply.catch(() => {})
  return reply
}

type Request = [service: Asked, method: string, path: string, body?: unknown, signal?: AbortSignal]

async function sent<Body>(...[{ url }, method, path, body, signal]: Request): Promise<Reply<Body>> {
  const startMs = performance.now()
  const response = await fetch(url + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    ...(signal && { signal }),
  })
  const text = await response.text()
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: (text === '' ? undefined : JSON.parse(text)) as Body,
    tookMs: performance.now() - startMs,
  }
}

export interface Health {
  readonly status: 'starting' | 'ok' | 'degraded' | 'draining'
  readonly dependencies: {
    readonly store: Dependency
    readonly cache?: Dependency
    readonly queue?: Dependency
  }
}

interface Dependency {
  readonly state: string
  readonly latencyMs: number | null
  readonly detail?: string
}

export async function healthOf(service: Asked): Promise<Health> {
  return (await ask<Health>(service, 'GET', '/health')).body
}

export async function becomes(
  service: Asked,
  status: Health['status'],
  { timeoutMs = 15_000 } = {},
): Promise<void> {
  await waitUntil(`its health is ${status}`, async () => (await healthOf(service)).status === status, {
    timeoutMs,
  })
}

/** Resolves once reads, writes and the feed succeed. */
export async function serves(service: Asked, { timeoutMs = 15_000 } = {}): Promise<void> {
  const works = async () =>
    (await ask(service, 'PUT', '/data/serves', 1)).status < 300 &&
    (await ask(service, 'GET', '/data/serves')).status === 200 &&
    (await ask(service, 'GET', '/changes')).status === 200
  await waitUntil('it serves', works, { timeoutMs })
}

/** Asserts that it answers reads and writes 503 with Retry-After at once, and is in a balancer all the same. */
export async function assertDegraded(service: Asked): Promise<void> {
  for (const [method, path] of [
    ['GET', '/data/1'],
    ['PUT', '/data/1'],
    ['GET', '/data'],
    ['GET', '/changes'],
  ] as const) {
    const { status, body, retryAfter, tookMs } = await ask<Problem>(
      service,
      method,
      path,
      method === 'PUT' ? 1 : undefined,
    )
    assert.equal(status, 503, `${method} ${path}`)
    assert.equal(body.code, 'unavailable')
    assert.match(retryAfter ?? '', /^[1-9]\d*$/)
    assert.ok(tookMs < 1000, `${method} ${path} took ${tookMs} ms`)
  }
  assert.equal((await ask(service, 'GET', '/health/live')).status, 200)
  assert.equal((await ask(service, 'GET', '/health/ready')).status, 200)
  const health = await ask<Health>(service, 'GET', '/health')
  assert.equal(health.status, 200)
  assert.equal(health.body.status, 'degraded')
  assert.equal(health.body.dependencies.store.state, 'unavailable')
}
