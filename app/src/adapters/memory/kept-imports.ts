import { AppError } from '../../domain/errors.ts'
import type { ImportChunk } from '../../domain/imports/chunker.ts'
import type { LineFault } from '../../domain/imports/line.ts'
import type { Import } from '../../ports/imports.ts'

export interface KeptImport {
  told: Omit<Import, 'updatedAtMs'>
  readonly chunks: ImportChunk[]
  nextChunk: number
  /** When something of it came, or was applied, or was asked for last. */
  heardMs: number
  /** The chunk under way: whoever wants to change something waits for it, as for a row's lock. */
  applying: Promise<void> | undefined
  /** Of its chunks, and of all that is kept of it. */
  chunkBytes: number
  bytes: number
}

/** Imports by id, bounded together. Where there is no room, those that have ended are forgotten, the oldest first. */
export interface KeptImports {
  get(id: string): KeptImport | undefined
  all(): IterableIterator<KeptImport>
  /** Throws `store_full`, as does `addChunk`. */
  add(told: KeptImport['told']): void
  addChunk(kept: KeptImport, chunk: ImportChunk): void
  /** Counts faults that are told of it, whether there is room or not. */
  addFaults(kept: KeptImport, faults: readonly LineFault[]): void
  dropChunks(kept: KeptImport): void
  forget(kept: KeptImport): void
}

/** What an import, and a fault that is told, take beside their texts. */
const IMPORT_BYTES = 1000
const FAULT_BYTES = 200

/** `bytesMax`: of all that is kept, in UTF-16 units and a constant for each import and fault. */
export function createKeptImports(bytesMax: number): KeptImports {
  const imports = new Map<string, KeptImport>()
  let keptBytes = 0

  function hold(kept: KeptImport, bytes: number): void {
    kept.bytes += bytes
    keptBytes += bytes
  }

  function forget(kept: KeptImport): void {
    hold(kept, -kept.bytes)
    imports.delete(kept.told.id)
  }

  function makeRoom(bytes: number): void {
    if (keptBytes + bytes <= bytesMax) return
    for (const kept of imports.values()) {
      if (kept.told.finishedAtMs === undefined) continue
      forget(kept)
      if (keptBytes + bytes <= bytesMax) return
    }
    throw new AppError('store_full', 'There is no room in memory for what is being imported.')
  }

  return {
    get: (id) => imports.get(id),
    all: () => imports.values(),
    add(told) {
      makeRoom(IMPORT_BYTES)
      const nothing = { chunks: [], nextChunk: 0, applying: undefined, chunkBytes: 0, bytes: 0 }
      const kept: KeptImport = { told, heardMs: told.createdAtMs, ...nothing }
      imports.set(told.id, kept)
      hold(kept, IMPORT_BYTES)
    },
    addChunk(kept, chunk) {
      const chunkBytes = chunk.lines.reduce((sum, { id, value }) => sum + id.length + value.length, 0)
      const bytes = chunkBytes + faultBytes(chunk.faults)
      makeRoom(bytes)
      kept.chunks.push(chunk)
      kept.chunkBytes += chunkBytes
      hold(kept, bytes)
    },
    addFaults: (kept, faults) => hold(kept, faultBytes(faults)),
    dropChunks(kept) {
      kept.chunks.length = 0
      hold(kept, -kept.chunkBytes)
      kept.chunkBytes = 0
    },
    forget,
  }
}

function faultBytes(faults: readonly LineFault[]): number {
  return faults.reduce((sum, { detail }) => sum + FAULT_BYTES + detail.length, 0)
}
