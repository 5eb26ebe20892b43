import { AppError } from '../domain/errors.ts'
import type { ImportChunk } from '../domain/imports/chunker.ts'
import type { LineFault } from '../domain/imports/line.ts'
import type { Caller } from './store.ts'

/**
 * `receiving`: its body has not ended. `queued`: it has, and nothing is applied yet. `running`: some of it is.
 * `failed`: it will never be applied as a whole; `detail` says why.
 */
export type ImportState = 'receiving' | 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled'

export interface ImportCounts {
  /** Lines that were received, of all kinds. */
  readonly total: number
  readonly applied: number
  readonly rejected: number
  /** Good lines that were not applied, because a later one of the same chunk has the same id. */
  readonly superseded: number
}

export interface Import {
  readonly id: string
  readonly state: ImportState
  readonly detail: string | undefined
  readonly lines: ImportCounts
  /** The first `IMPORT_ERRORS_MAX`, by line. */
  readonly errors: readonly LineFault[]
  readonly createdAtMs: number
  /** When something of it came, was applied or ended last: long ago, when it is not finished and nobody works on it. */
  readonly updatedAtMs: number
  readonly finishedAtMs: number | undefined
}

/** Limits of a chunk, of which the bytes are of about so many. */
export const CHUNK_LINES_MAX = 500
export const CHUNK_BYTES_MAX = 1024 * 1024
/** How long after the one before it a chunk is staged, if the body comes on. */
export const CHUNK_AGE_MAX_MS = 10_000
export const IMPORT_ERRORS_MAX = 1000

/**
 * `more`: a chunk was applied, and it was not the last. `ended`: there is none left, be it that this was the last, that
 * it was canceled, or that there never was one. `taken`: somebody else is applying one at this moment.
 */
export type Applied = 'more' | 'ended' | 'taken'

export interface ReapLimits {
  /** An import of which no chunk has come for so long is given up. */
  readonly receivingMs: number
  /** Of one that is queued or running, and that nobody has worked on for so long, workers are told again. */
  readonly untouchedMs: number
  /** One that ended so long ago is forgotten. */
  readonly finishedMs: number
}

/**
 * Bulk loads. An import is staged in chunks, of which nothing is seen until its body has ended; then the chunks are
 * applied in their order, each once and as a whole: its writes, their changes in the feed and the counts are one change of
 * state. Every method throws `unavailable` as the store does.
 */
export interface Imports {
  begin(id: string, caller: Caller): Promise<void>
  /** Keeps a chunk. Throws `conflict` when the import no longer receives: it was canceled, or given up. */
  stage(id: string, chunk: ImportChunk, caller: Caller): Promise<void>
  /**
   * The body has ended: the import is queued, and the message that says so is kept, both or none. `traceparent` is that of
   * the request. Throws `conflict` as `stage`.
   */
  seal(id: string, traceparent: string | undefined, caller: Caller): Promise<void>
  /** Gives up an import that receives, and what was staged of it. */
  fail(id: string, detail: string, caller: Caller): Promise<void>
  get(id: string, caller: Caller): Promise<Import | undefined>
  /** After it has resolved nothing more is applied; what was applied stays. Finished imports are left as they are. */
  cancel(id: string, caller: Caller): Promise<Import | undefined>
  /** Applies the next chunk. Throws what the store refuses of it: then nothing of the chunk was applied. */
  apply(id: string): Promise<Applied>
  /** Sees to imports that nothing happens to any more. */
  reap(limits: ReapLimits): Promise<void>
}

/** What `stage` and `seal` throw. */
export function noLongerReceives(): AppError {
  return new AppError(
    'conflict',
    'The import no longer receives: it was canceled, or nothing came for too long.',
  )
}
