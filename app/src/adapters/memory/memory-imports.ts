import { AppError } from '../../domain/errors.ts'
import type { ImportChunk } from '../../domain/imports/chunker.ts'
import { IMPORT_MESSAGE, importMessageBody } from '../../domain/imports/message.ts'
import type { Clock } from '../../ports/clock.ts'
import { IMPORT_ERRORS_MAX, type Import, type Imports, noLongerReceives } from '../../ports/imports.ts'
import type { Queue } from '../../ports/queue.ts'
import { patient, type Store } from '../../ports/store.ts'
import { createKeptImports, type KeptImport } from './kept-imports.ts'

export interface MemoryImportsOptions {
  readonly store: Store
  readonly queue: Pick<Queue, 'send'>
  readonly clock: Clock
  /** As of `createKeptImports`. */
  readonly bytesMax: number
}

/**
 * The imports port in one process's memory, and the readable specification of it. A line for which the store has no room
 * is rejected by itself.
 */
export function createMemoryImports({ store, queue, clock, bytesMax }: MemoryImportsOptions): Imports {
  const imports = createKeptImports(bytesMax)

  function receiving(id: string): KeptImport {
    const kept = imports.get(id)
    if (kept?.told.state !== 'receiving') {
      throw noLongerReceives()
    }
    kept.heardMs = clock.nowMs()
    return kept
  }

  function end(kept: KeptImport, state: 'succeeded' | 'failed' | 'canceled', detail?: string): void {
    kept.told = { ...kept.told, state, detail, finishedAtMs: clock.nowMs() }
    imports.dropChunks(kept)
  }

  async function applyChunk(kept: KeptImport, { lines, superseded }: ImportChunk): Promise<void> {
    let applied = 0
    const refused: { line: number; code: 'store_full'; detail: string }[] = []
    for (const { line, id, value } of lines) {
      try {
        await store.put(id, value, undefined, patient)
        applied++
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'store_full') throw error
        refused.push({ line, code: error.code, detail: error.message })
      }
    }
    imports.addFaults(kept, refused)
    const { lines: counts, errors } = kept.told
    kept.told = {
      ...kept.told,
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
      const ended = { detail: undefined, finishedAtMs: undefined }
      imports.add({ id, state: 'receiving', lines, errors: [], createdAtMs, ...ended })
    },

    async stage(id, chunk) {
      const kept = receiving(id)
      const { lines: counts, errors } = kept.told
      imports.addChunk(kept, chunk)
      kept.told = {
        ...kept.told,
        lines: {
          ...counts,
          total: counts.total + chunk.lines.length + chunk.superseded + chunk.rejected,
          rejected: counts.rejected + chunk.rejected,
        },
        errors: [...errors, ...chunk.faults],
      }
    },

    async seal(id, traceparent) {
      const kept = receiving(id)
      if (kept.chunks.length === 0) return end(kept, 'succeeded')
      kept.told = { ...kept.told, state: 'queued' }
      await queue.send([{ type: IMPORT_MESSAGE, body: importMessageBody(id), traceparent }])
    },

    async fail(id, detail) {
      const kept = imports.get(id)
      if (kept?.told.state === 'receiving') end(kept, 'failed', detail)
    },

    async get(id) {
      return importOf(imports.get(id))
    },

    async cancel(id) {
      const kept = imports.get(id)
      await kept?.applying
      if (kept !== undefined && kept.told.finishedAtMs === undefined) end(kept, 'canceled')
      return importOf(kept)
    },

    async apply(id) {
      const kept = imports.get(id)
      if (kept === undefined || !['queued', 'running'].includes(kept.told.state)) return 'ended'
      if (kept.applying !== undefined) return 'taken'
      const chunk = kept.chunks[kept.nextChunk++] as ImportChunk
      kept.told = { ...kept.told, state: 'running' }
      kept.applying = applyChunk(kept, chunk)
      await kept.applying
      kept.applying = undefined
      kept.heardMs = clock.nowMs()
      if (kept.nextChunk < kept.chunks.length) return 'more'
      end(kept, 'succeeded')
      return 'ended'
    },

    async reap({ receivingMs, untouchedMs, finishedMs }) {
      const nowMs = clock.nowMs()
      for (const kept of imports.all()) {
        const { id, state, finishedAtMs } = kept.told
        if (state === 'receiving' && kept.heardMs < nowMs - receivingMs)
          end(kept, 'failed', 'The body broke off.')
        if ((state === 'queued' || state === 'running') && kept.heardMs < nowMs - untouchedMs) {
          kept.heardMs = nowMs
          await queue.send([{ type: IMPORT_MESSAGE, body: importMessageBody(id) }])
        }
        if (finishedAtMs !== undefined && finishedAtMs < nowMs - finishedMs) imports.forget(kept)
      }
    },
  }
}

function importOf(kept: KeptImport | undefined): Import | undefined {
  return kept && { ...kept.told, updatedAtMs: kept.told.finishedAtMs ?? kept.heardMs }
}
