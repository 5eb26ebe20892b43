import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type ImportText, importOf } from '../../app/test/support/work/upload.ts'
import type { Running } from '../subjects.ts'

type Api = Pick<Running, 'url'>

const CONTENT_TYPES = { ndjson: 'application/x-ndjson', csv: 'text/csv' }
/** Each look is work of the API that is measured. */
const LOOK_EVERY_MS = 100

/** Resolves when it has been received as a whole. */
export function uploadFile(api: Api, file: string): Promise<ImportText> {
  return upload(api, createReadStream(file))
}

export interface UploadOptions {
  readonly format?: keyof typeof CONTENT_TYPES | undefined
  /** Breaks it off. */
  readonly signal?: AbortSignal
}

/** Sends a body of any size as it is made. Resolves when it has been received as a whole. */
export async function upload(
  api: Api,
  body: Iterable<string> | Readable,
  { format = 'ndjson', signal }: UploadOptions = {},
): Promise<ImportText> {
  const stream = body instanceof Readable ? body : Readable.from(bytesOf(body))
  // Without this the rest of the body would be made for nobody.
  signal?.addEventListener('abort', () => stream.destroy())
  const answer = await fetch(`${api.url}/imports`, {
    method: 'POST',
    headers: { 'content-type': CONTENT_TYPES[format] },
    body: Readable.toWeb(stream) as ReadableStream,
    duplex: 'half',
    ...(signal && { signal }),
  } as RequestInit)
  return importText(answer, 202)
}

function* bytesOf(pieces: Iterable<string>): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece)
}

/** Resolves to what is left of it. */
export async function cancel(api: Api, id: string): Promise<ImportText> {
  return importText(await fetch(`${api.url}/imports/${id}`, { method: 'DELETE' }), 200)
}

async function importText(answer: Response, status: number): Promise<ImportText> {
  const text = await answer.text()
  if (answer.status !== status) throw new Error(`an import was answered ${answer.status}: ${text}`)
  return JSON.parse(text)
}

/** Resolves when it has ended, however. `look` sees it as it is now and then before. */
export async function untilFinished(
  api: Api,
  id: string,
  look: (found: ImportText) => Promise<void> | void = () => {},
): Promise<ImportText> {
  for (;;) {
    const found = await importOf(api, id)
    if (found.finishedAt !== null) return found
    await look(found)
    await delay(LOOK_EVERY_MS)
  }
}

/** Throws when it has not succeeded, or not with as many lines applied and none rejected. */
export function requireLines({ state, detail, lines }: ImportText, applied: number): void {
  if (state === 'succeeded' && lines.applied === applied && lines.rejected === 0) return
  throw new Error(
    `an import is ${state}${detail === undefined ? '' : ` (${detail})`}: ${lines.applied} of ${applied} lines applied, ` +
      `${lines.rejected} rejected`,
  )
}
