import type { ImportLine, LineFault } from '../domain/imports/line.ts'
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
  readonly finishedAtMs: number | undefined
}

/** What came one after the other: at most `CHUNK_LINES_MAX` lines and about `CHUNK_BYTES_MAX`. */
export interface ImportChunk {
  /** 0, 1, 2, … */
  readonly number: number
  /** The last of each id, in order. */
  readonly lines: readonly ImportLine[]
  readonly superseded: number
  readonly rejected: number
  /** Of the rejected ones, those that are to be told. */
  readonly faults: readonly LineFault[]
}

export const CHUNK_LINES_MAX = 500
export const CHUNK_BYTES_MAX = 1024 * 1024
export const IMPORT_ERRORS_MAX = 1000

/**
 * `more`: a chunk was applied, and it was not the last. `ended`: there is none left, be it that this was the last, that
 * it was canceled, or that there never was one. `taken`: somebody else is applying one at this moment.
 */
export type Applied = 'more' | 'ended' | 'taken'

export interface ReapLimits {
  /** An import that has received nothing for so long is given up. */
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
