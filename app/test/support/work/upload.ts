import assert from 'node:assert/strict'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { waitUntil } from '../../../../local/wait.ts'
import { ask } from '../ask.ts'
import type { Service } from '../service.ts'

/** An import as the API tells of it. */
export interface ImportText {
  readonly id: string
  readonly state: string
  readonly code?: string
  readonly detail?: string
  readonly lines: {
    readonly total: number
    readonly applied: number
    readonly rejected: number
    readonly superseded: number
  }
  readonly errors: readonly { readonly line: number; readonly code: string; readonly detail: string }[]
  readonly finishedAt: string | null
}

/** An upload whose body the test sends itself. */
export interface Upload {
  readonly request: ClientRequest
  /** Resolves to the answer; rejects when the connection is cut. */
  readonly answer: Promise<{ readonly status: number; readonly body: ImportText }>
}

export function openUpload({ port }: Pick<Service, 'port'>): Upload {
  const request = httpRequest({
    ...{ host: '127.0.0.1', port, method: 'POST', path: '/imports', agent: false },
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request.on('response', resolve)
  request.on('error', reject)
  const answer = promise.then(async (response) => ({
    status: response.statusCode ?? 0,
    body: (await json(response)) as ImportText,
  }))
  // A test that fails before it looks at the answer should fail for its own reason.
  answer.catch(() => {})
  request.flushHeaders()
  return { request, answer }
}

export function lineOf(id: string, value: unknown = 1): string {
  return `${JSON.stringify({ id, value })}\n`
}

/** A body of so many lines: `<name>-1`, `<name>-2`, … */
export function bodyOf(name: string, lines: number, value: (n: number) => unknown = () => 1): string {
  return Array.from({ length: lines }, (_, n) => lineOf(`${name}-${n + 1}`, value(n + 1))).join('')
}

/** Sends an import that has to be accepted. Resolves to its id. */
export async function acceptedImport(service: Service, body: string): Promise<string> {
  const { request, answer } = openUpload(service)
  request.end(body)
  const { status, body: text } = await answer
  assert.equal(status, 202, JSON.stringify(text))
  return text.id
}

export async function importOf(service: Pick<Service, 'url'>, id: string): Promise<ImportText> {
  const { status, body } = await ask<ImportText>(service, 'GET', `/imports/${id}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

/** Resolves when so many lines have been applied. */
export async function isApplied(
  service: Pick<Service, 'url'>,
  id: string,
  lines: number,
  { timeoutMs = 15_000 } = {},
): Promise<ImportText> {
  return waitUntil(
    `${lines} lines are applied`,
    async () => {
      const text = await importOf(service, id)
      return text.lines.applied >= lines && text
    },
    { timeoutMs },
  )
}

/** Resolves when it has succeeded. */
export async function succeeds(
  service: Pick<Service, 'url'>,
  id: string,
  { timeoutMs = 20_000 } = {},
): Promise<ImportText> {
  const text = await waitUntil(
    `import ${id} has ended`,
    async () => {
      const text = await importOf(service, id)
      return text.finishedAt !== null && text
    },
    { timeoutMs },
  )
  assert.equal(text.state, 'succeeded', JSON.stringify(text))
  return text
}
