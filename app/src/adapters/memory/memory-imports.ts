import { AppError } from '../../domain/errors.ts'
import type { ImportChunk } from '../../domain/imports/chunker.ts'
import { IMPORT_MESSAGE, importMessageBody } from '../../domain/imports/message.ts'
import type { Clock } from '../../ports/clock.ts'
import { IMPORT_ERRORS_MAX, type Import, type Imports } from '../../ports/imports.ts'
import type { Queue } from '../../ports/queue.ts'
import type { Caller, Store } from '../../ports/store.ts'

interface Staged {
  told: Import
  readonly chunks: ImportChunk[]
  nextChunk: number
  heardMs: number
  /** The chunk under way: whoever wants to change something waits for it, as for a row's lock. */
  applying: Promise<void> | undefined
  /** Of its chunks. */
  bytes: number
}

const always: Caller = { deadlineMs: Number.POSITIVE_INFINITY, left: false }

export interface MemoryImportsOptions {
  readonly store: Store
  readonly queue: Pick<Queue, 'send'>
  readonly clock: Clock
  /** Of all that is staged, in UTF-16 units. */
  readonly bytesMax: number
}

/**
 * The imports port in one process's memory, and the readable specification of it. A line for which the store has no room
 * is rejected by itself.
 */
export function createMemoryImports({ store, queue, clock, bytesMax }: MemoryImportsOptions): Imports {
  const imports = new Map<string, Staged>()

  function stagedBytes(): number {
    return [...imports.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  function receiving(id: string): Staged {
    const staged = imports.get(id)
    if (staged?.told.state !== 'receiving') {
      throw new AppError(
        'conflict',
        'The import no longer receives: it was canceled, or nothing came for too long.',
      )
    }
    staged.heardMs = clock.nowMs()
    return staged
  }

  function end(staged: Staged, state: 'succeeded' | 'failed' | 'canceled', detail?: string): void {
    staged.told = { ...staged.told, state, detail, finishedAtMs: clock.nowMs() }
    staged.chunks.length = 0
    staged.bytes = 0
  }

  async function applyChunk(staged: Staged, { lines, superseded }: ImportChunk): Promise<void> {
    let applied = 0
    const refused: { line: number; code: 'store_full'; detail: string }[] = []
    for (const { line, id, value } of lines) {
      try {
        await store.put(id, value, undefined, always)
        applied++
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'store_full') throw error
        refused.push({ line, code: error.code, detail: error.message })
      }
    }
    const { lines: counts, errors } = staged.told
    staged.told = {
      ...staged.told,
      lines: {
        ...counts,
        applied: counts.applied + applied,
        superseded: counts.superseded + superseded,
        rejected: counts.rejected + refused.length,
      },
      errors: [...errors, ...refused].sort((a, b) => a.line - b.line).slice(0, IMPORT_ERRORS_MAX),
    }
  }

  return {
    async begin(id) {
      const lines = { total: 0, applied: 0, rejected: 0, superseded: 0 }
      const createdAtMs = clock.nowMs()
      const told: Import = {
        id,
        state: 'receiving',
        detail: undefined,
        lines,
        errors: [],
        createdAtMs,
        finishedAtMs: undefined,
      }
      imports.set(id, { told, chunks: [], nextChunk: 0, heardMs: createdAtMs, applying: undefined, bytes: 0 })
    },

    async stage(id, chunk) {
      const staged = receiving(id)
      const { lines: counts, errors } = staged.told
      const bytes = chunk.lines.reduce((sum, line) => sum + line.id.length + line.value.length, 0)
      if (stagedBytes() + bytes > bytesMax) {
        throw new AppError('store_full', 'There is no room in memory for what is being imported.')
      }
      staged.chunks.push(chunk)
      staged.bytes += bytes
      staged.told = {
        ...staged.told,
        lines: {
          ...counts,
          total: counts.total + chunk.lines.length + chunk.superseded + chunk.rejected,
          rejected: counts.rejected + chunk.rejected,
        },
        errors: [...errors, ...chunk.faults],
      }
    },

    async seal(id, traceparent) {
      const staged = receiving(id)
      if (staged.chunks.length === 0) return end(staged, 'succeeded')
      staged.told = { ...staged.told, state: 'queued' }
      await queue.send([{ type: IMPORT_MESSAGE, body: importMessageBody(id), traceparent }])
    },

    async fail(id, detail) {
      const staged = imports.get(id)
      if (staged?.told.state === 'receiving') end(staged, 'failed', detail)
    },

    async get(id) {
      return imports.get(id)?.told
    },

    async cancel(id) {
      const staged = imports.get(id)
      await staged?.applying
      if (staged !== undefined && staged.told.finishedAtMs === undefined) end(staged, 'canceled')
      return staged?.told
    },

    async apply(id) {
      const staged = imports.get(id)
      if (staged === undefined || !['queued', 'running'].includes(staged.told.state)) return 'ended'
      if (staged.applying !== undefined) return 'taken'
      const chunk = staged.chunks[staged.nextChunk++] as ImportChunk
      staged.told = { ...staged.told, state: 'running' }
      staged.heardMs = clock.nowMs()
      staged.applying = applyChunk(staged, chunk)
      await staged.applying
      staged.applying = undefined
      if (staged.nextChunk < staged.chunks.length) return 'more'
      end(staged, 'succeeded')
      return 'ended'
    },

    async reap({ receivingMs, untouchedMs, finishedMs }) {
      const nowMs = clock.nowMs()
      for (const [id, staged] of imports) {
        const { state, finishedAtMs } = staged.told
        if (state === 'receiving' && staged.heardMs < nowMs - receivingMs)
          end(staged, 'failed', 'The body broke off.')
        if ((state === 'queued' || state === 'running') && staged.heardMs < nowMs - untouchedMs) {
          staged.heardMs = nowMs
          await queue.send([{ type: IMPORT_MESSAGE, body: importMessageBody(id) }])
        }
        if (finishedAtMs !== undefined && finishedAtMs < nowMs - finishedMs) imports.delete(id)
      }
    },
  }
}
