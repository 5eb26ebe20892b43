import type { ImportLine, LineFault } from './line.ts'

export interface ChunkLimits {
  readonly linesMax: number
  /** Of ids and values, in UTF-16 units. */
  readonly bytesMax: number
  /** Of a whole import: further ones are counted and not told. */
  readonly faultsMax: number
  readonly ageMaxMs: number
}

/** What came one after the other, within the limits. It may be empty. */
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

/** Takes lines as a reader finds them, and gives chunks of them. */
export interface Chunker {
  line(line: ImportLine): void
  fault(fault: LineFault): void
  /** Those that are full, and the last one when it was begun so long ago: a slow body shows in time that it comes on. */
  takeDue(): ImportChunk[]
  /** All of them, the last one too, as long as it holds anything. */
  takeAll(): ImportChunk[]
}

export function createChunker({ linesMax, bytesMax, faultsMax, ageMaxMs }: ChunkLimits): Chunker {
  let full: ImportChunk[] = []
  let number = 0
  let told = 0
  let lines = new Map<string, ImportLine>()
  let superseded = 0
  let rejected = 0
  let faults: LineFault[] = []
  let bytes = 0
  let beganMs = performance.now()

  function close(): void {
    full.push({ number: number++, lines: [...lines.values()], superseded, rejected, faults })
    lines = new Map()
    superseded = 0
    rejected = 0
    faults = []
    bytes = 0
    beganMs = performance.now()
  }

  function taken(): void {
    if (lines.size + superseded + rejected >= linesMax || bytes >= bytesMax) close()
  }

  function takeFull(): ImportChunk[] {
    const taken = full
    full = []
    return taken
  }

  return {
    line(line) {
      // The last one of an id wins: the earlier one would be a version that nobody can have read.
      if (lines.has(line.id)) superseded++
      lines.set(line.id, line)
      bytes += line.id.length + line.value.length
      taken()
    },
    fault(fault) {
      rejected++
      if (told < faultsMax) faults.push(fault)
      told++
      taken()
    },
    takeDue() {
      if (performance.now() - beganMs >= ageMaxMs) close()
      return takeFull()
    },
    takeAll() {
      if (lines.size + superseded + rejected > 0) close()
      return takeFull()
    },
  }
}
