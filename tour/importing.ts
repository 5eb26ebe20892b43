import { ask } from '../app/test/support/ask.ts'
import { waitUntil } from '../local/wait.ts'

const APPLIED_MS_MAX = 90_000

/** What the service says of an import. */
export interface Import {
  readonly state: string
  readonly lines: Readonly<Record<'total' | 'applied' | 'rejected' | 'superseded', number>>
  readonly finishedAt: string | null
}

type Asked = Readonly<{ url: string }>

/** NDJSON of so many new items, with ids that begin with `prefix`. */
export function importText(prefix: string, lines: number): string {
  const line = (n: number) =>
    `{"id":"${prefix}-${n}","value":{"name":"Item ${n}","tags":["tour","import"]}}\n`
  return Array.from({ length: lines }, (_, n) => line(n)).join('')
}

/** Resolves to the import's path when the service has received it. */
export async function sendImport({ url }: Asked, text: string): Promise<string> {
  const answer = await fetch(`${url}/imports`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: text,
  })
  const body = await answer.text()
  if (answer.status !== 202) throw new Error(`the import was answered ${answer.status}: ${body}`)
  return answer.headers.get('location') ?? ''
}

export async function importAt(service: Asked, path: string): Promise<Import> {
  return (await ask<Import>(service, 'GET', path)).body
}

/** Resolves when nothing is left to be done. */
export async function finished(service: Asked, path: string): Promise<Import> {
  const done = async () => {
    const found = await importAt(service, path)
    return found.finishedAt !== null && found
  }
  return waitUntil('the import is finished', done, { timeoutMs: APPLIED_MS_MAX })
}
