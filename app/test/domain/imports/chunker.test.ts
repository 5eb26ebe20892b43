import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChunker } from '../../../src/domain/imports/chunker.ts'

const limits = { linesMax: 3, bytesMax: 100, faultsMax: 2, ageMaxMs: Number.POSITIVE_INFINITY }
const lineAt = (line: number, value = '1') => ({ line, id: `id-${line}`, value })
const faultAt = (line: number) => ({ line, code: 'invalid_json', detail: 'x' }) as const

test('a chunk is due when it has so many lines, good or bad, or so many bytes, and not before', () => {
  const chunks = createChunker(limits)
  chunks.line(lineAt(1))
  chunks.fault(faultAt(2))
  assert.deepEqual(chunks.takeDue(), [])
  chunks.line(lineAt(3))
  chunks.line(lineAt(4, 'x'.repeat(100)))
  chunks.line(lineAt(5))
  const due = chunks.takeDue()
  assert.deepEqual(
    due.map(({ number, lines, rejected }) => [number, lines.map(({ line }) => line), rejected]),
    [
      [0, [1, 3], 1],
      [1, [4], 0],
    ],
  )
  assert.deepEqual(
    chunks.takeAll().map(({ number }) => number),
    [2],
  )
  assert.deepEqual(chunks.takeAll(), [])
})

test('a chunk of a slow body is due after its time, though it is not full, or even empty', () => {
  const chunks = createChunker({ ...limits, ageMaxMs: 0 })
  chunks.line(lineAt(1))
  const taken = [chunks.takeDue(), chunks.takeDue()].flat()
  assert.deepEqual(
    taken.map(({ number, lines }) => [number, lines.length]),
    [
      [0, 1],
      [1, 0],
    ],
  )
})

test('of many faults the first are told, and all are counted', () => {
  const chunks = createChunker(limits)
  for (let line = 1; line <= 5; line++) chunks.fault(faultAt(line))
  const taken = chunks.takeAll()
  assert.deepEqual(
    taken.map(({ rejected, faults }) => [rejected, faults.map(({ line }) => line)]),
    [
      [3, [1, 2]],
      [2, []],
    ],
  )
})
