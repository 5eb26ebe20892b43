import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { ImportLine, LineFault, LineReader, LineSink } from '../../../src/domain/imports/line.ts'
import { randomOf } from '../../support/random.ts'

export interface Found {
  readonly lines: ImportLine[]
  readonly faults: LineFault[]
  readonly isUnusable: boolean
}

/** What a reader finds in `bytes` that come in pieces of these sizes, in turn. */
export function read(
  create: (sink: LineSink) => LineReader,
  body: string | Uint8Array,
  sizes: readonly number[] = [Number.POSITIVE_INFINITY],
): Found {
  const [lines, faults]: [ImportLine[], LineFault[]] = [[], []]
  const reader = create({ line: (line) => lines.push(line), fault: (fault) => faults.push(fault) })
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] as number)
    reader.push(bytes.subarray(from, from + size))
    from += size
  }
  reader.end()
  return { lines, faults, isUnusable: reader.isUnusable }
}

export const faultsOf = ({ faults }: Found) => faults.map(({ line, code }) => [line, code])

/** Asserts that a reader finds the same wherever the bytes are cut. Returns what it finds. */
export function assertCutsChangeNothing(
  t: TestContext,
  create: (sink: LineSink) => LineReader,
  body: string,
): Found {
  const whole = read(create, body)
  const bytes = Buffer.byteLength(body)
  for (let size = 1; size < bytes; size++) assert.deepEqual(read(create, body, [size]), whole)
  const random = randomOf(t)
  for (let n = 0; n < 200; n++) {
    const sizes = Array.from({ length: 5 }, () => 1 + random.below(20))
    assert.deepEqual(read(create, body, sizes), whole)
  }
  return whole
}
