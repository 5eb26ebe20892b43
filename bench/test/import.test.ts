import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCsvReader } from '../../app/src/domain/imports/csv.ts'
import { createNdjsonReader } from '../../app/src/domain/imports/ndjson.ts'
import { read } from '../../app/test/domain/imports/readers.ts'
import type { ImportText } from '../../app/test/support/work/upload.ts'
import { type Effects, notOnce } from '../import/exactly-once.ts'
import { killsOf } from '../import/kills.ts'
import { badLineNumbers, bodyOf, type Lines, rowsOf } from '../import/lines.ts'
import { itemId, itemValue } from '../postgres/key-space.ts'

const textOf = (lines: Lines) => [...bodyOf(lines)].join('')

test('the service finds each item of a body, and each bad line', () => {
  const lines = { from: 5, count: 2_500, badEvery: 250 }
  const found = read(createNdjsonReader, textOf(lines))
  assert.deepEqual(
    found.faults.map(({ line }) => line),
    badLineNumbers(lines),
  )
  assert.deepEqual(badLineNumbers(lines), [250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500])
  assert.equal(found.lines.length, 2_490)
  const [first] = found.lines
  assert.deepEqual(first, { line: 1, id: itemId(5), value: itemValue(itemId(5)) })
  assert.equal(found.lines.at(-1)?.id, itemId(5 + 2_498))
})

test('NDJSON, CSV and COPY are told the same items', () => {
  const lines = { from: 7, count: 1_500 }
  const items = (found: ReturnType<typeof read>) => found.lines.map(({ id, value }) => `${id}\t${value}\n`)
  const csv = items(read(createCsvReader, textOf({ ...lines, format: 'csv' })))
  assert.deepEqual(csv, items(read(createNdjsonReader, textOf(lines))))
  assert.equal(csv.join(''), [...rowsOf(lines)].join(''))
})

const importAt = (applied: number) => ({ lines: { applied } }) as ImportText

test('kills are spread over the lines, and none comes before the work goes on after the last one', async () => {
  let replaced = 0
  const kills = killsOf({ replaceWorker: async () => void replaced++ }, 400, 3)
  for (const [applied, expected] of [
    [99, 0],
    [100, 1],
    [150, 1],
    [150, 1],
    [250, 2],
    [260, 2],
    [270, 2],
    [300, 3],
    [310, 3],
    [400, 3],
  ] as const) {
    await kills.look(importAt(applied))
    assert.equal(replaced, expected, `at ${applied}`)
  }
  assert.equal(kills.count, 3)
  assert.equal(kills.takeoverSeconds.length, 3)
})

const lines = { from: 0, count: 100, badEvery: 50 }
const once: Effects = { items: 98, itemsOfVersion1: 98, changes: 98, idsInFeed: 98 }
const told: ImportText = {
  id: 'x',
  state: 'succeeded',
  lines: { total: 100, applied: 98, rejected: 2, superseded: 0 },
  errors: [50, 100].map((line) => ({ line, code: 'invalid_json', detail: '' })),
  finishedAt: '2026-01-01T00:00:00.000Z',
}

test('what took effect exactly once is found to have', () => {
  assert.deepEqual(notOnce(told, once, lines), [])
})

for (const [what, found, effects, expected] of [
  ['a line that was lost', told, { ...once, items: 97 }, /^items: 97, not 98/],
  ['a line that was applied twice', told, { ...once, itemsOfVersion1: 97 }, /^items of version 1: 97/],
  ['a change that is told twice', told, { ...once, changes: 99 }, /^changes in the feed: 99/],
  ['an error that is told twice', { ...told, errors: [...told.errors, ...told.errors] }, once, /^the errors/],
  ['an import that gave up', { ...told, state: 'failed' }, once, /^the import is failed/],
] as const) {
  test(`${what} is found`, () => {
    const faults = notOnce(found, effects, lines)
    assert.equal(faults.length, 1)
    assert.match(String(faults[0]), expected)
  })
}
