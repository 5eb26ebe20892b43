import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** An import as the API tells it. */
export interface Told {
  readonly id: string
  readonly state: string
  readonly detail?: string
  readonly lines: {
    readonly total: number
    readonly applied: number
    readonly rejected: number
    readonly superseded: number
  }
  readonly errors: readonly { readonly line: number; readonly code: string }[]
  readonly finishedAt: string | null
}

export type Format = 'ndjson' | 'csv'

const contentTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv' }
const lookEveryMs = 100

/** Resolves when it has been received as a whole. */
export function uploadFile(origin: URL, file: string): Promise<Told> {
  return upload(origin, createReadStream(file))
}

/** Resolves when it has been received as a whole. `signal` breaks it off. */
export async function upload(
  origin: URL,
  body: Iterable<string> | Readable,
  { format = 'ndjson', signal }: { format?: Format | undefined; signal?: AbortSignal } = {},
): Promise<Told> {
  const stream = body instanceof Readable ? body : Readable.from(bytesOf(body))
  // Without this the rest of the body would be made for nobody.
  signal?.addEventListener('abort', () => stream.destroy())
  const answer = await fetch(new URL('/imports', origin), {
    method: 'POST',
    headers: { 'content-type': contentTypes[format] },
    body: Readable.toWeb(stream) as ReadableStream,
    duplex: 'half',
    ...(signal && { signal }),
  } as RequestInit)
  return told(answer, 202)
}

function* bytesOf(pieces: Iterable<string>): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece)
}

export async function importOf(origin: URL, id: string): Promise<Told> {
  return told(await fetch(new URL(`/imports/${id}`, origin)), 200)
}

/** Resolves to what is left of it. */
export async function cancel(origin: URL, id: string): Promise<Told> {
  return told(await fetch(new URL(`/imports/${id}`, origin), { method: 'DELETE' }), 200)
}

async function told(answer: Response, status: number): Promise<Told> {
  const text = await answer.text()
  if (answer.status !== status) throw new Error(`an import was answered ${answer.status}: ${text}`)
  return JSON.parse(text)
}

/** Resolves when it has ended, however. `look` sees it as it is now and then before. */
export async function untilFinished(
  origin: URL,
  id: string,
  look: (found: Told) => Promise<void> | void = () => {},
): Promise<Told> {
  for (;;) {
    const found = await importOf(origin, id)
    if (found.finishedAt !== null) return found
    await look(found)
    await sleep(lookEveryMs)
  }
}

/** Throws when it has not succeeded, or not with as many lines of each kind. */
export function requireLines(found: Told, applied: number, rejected = 0): void {
  const { state, detail, lines } = found
  if (state === 'succeeded' && lines.applied === applied && lines.rejected === rejected) return
  throw new Error(
    `an import is ${state}${detail === undefined ? '' : ` (${detail})`}: ${lines.applied} of ${applied} lines applied, ` +
      `${lines.rejected} of ${rejected} rejected`,
  )
}
