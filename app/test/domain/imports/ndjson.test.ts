import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LINE_BYTES_MAX } from '../../../src/domain/imports/line.ts'
import { createNdjsonReader } from '../../../src/domain/imports/ndjson.ts'
import { randomOf } from '../../support/random.ts'
import { assertCutsChangeNothing, faultsOf, read } from './readers.ts'

const reading = (body: string | Uint8Array, sizes?: readonly number[]) =>
  read(createNdjsonReader, body, sizes)

test('a value is kept as it was sent, to the last digit and space', () => {
  const value = '{"b": 1.0, "a":1e400, "a":2, "\\u00e9":[ ]}'
  assert.deepEqual(reading(`{"value":${value} ,"id":"a"}`).lines, [{ line: 1, id: 'a', value }])
})

test('lines end in LF or CRLF, the last one in nothing; empty ones count and say nothing', () => {
  const { lines, faults } = reading(
    '{"id":"a","value":1}\r\n\n  \t\n{"id":"b","value":2}\n{"id":"c","value":3}',
  )
  assert.deepEqual(
    lines.map(({ line, id }) => [line, id]),
    [
      [1, 'a'],
      [4, 'b'],
      [5, 'c'],
    ],
  )
  assert.deepEqual(faults, [])
})

test('a byte order mark may come first, and nowhere else', () => {
  const { lines, faults } = reading('\uFEFF{"id":"a","value":1}\n\uFEFF{"id":"b","value":1}\n')
  assert.equal(lines.length, 1)
  assert.deepEqual(
    faults.map(({ line }) => line),
    [2],
  )
})

test('a bad line is a fault by its number, and stops no good one', () => {
  const found = reading(
    Buffer.concat([
      Buffer.from('nope\n[]\n"x"\n{"id":"a b","value":1}\n{"id":1,"value":1}\n{"value":1}\n{"id":"a"}\n'),
      Buffer.from('{"id":"a","value":1,"more":1}\n{"id":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('","value":1}\n{"id":"good","value":1}\n'),
    ]),
  )
  assert.deepEqual(faultsOf(found), [
    [1, 'invalid_json'],
    [2, 'invalid_json'],
    [3, 'invalid_json'],
    [4, 'invalid_field'],
    [5, 'invalid_field'],
    [6, 'invalid_field'],
    [7, 'invalid_field'],
    [8, 'invalid_field'],
    [9, 'invalid_json'],
  ])
  assert.deepEqual(found.lines, [{ line: 10, id: 'good', value: '1' }])
})

test('id and value are there once each, however their names are written', () => {
  const found = reading(
    '{"id":"a","id":"b","value":1}\n{"id":"a","value":1,"v\\u0061lue":1}\n{"value":1,"value":2}\n{"id":"a","value":{"id":1,"id":2}}',
  )
  assert.deepEqual(
    found.faults.map(({ line, detail }) => [line, detail.split(':')[0]]),
    [
      [1, 'id'],
      [2, 'value'],
      [3, 'id'],
    ],
  )
  assert.deepEqual(found.lines, [{ line: 4, id: 'a', value: '{"id":1,"id":2}' }])
})

test('what a fault tells of a name can be kept as text anywhere', () => {
  const { faults } = reading(
    `{"id":"a","value":1,"\\u0000":2}\n{"id":"a","value":1,"${'x'.repeat(49)}\u{1f600}":2}`,
  )
  assert.equal(faults.length, 2)
  for (const { detail } of faults) assert.ok(detail.isWellFormed() && !detail.includes('\0'), detail)
})

test('the largest value fits, a larger one does not, and neither does a line without an end', () => {
  const largest = `"${'é'.repeat((256 * 1024 - 2) / 2)}"`
  const found = reading(
    `{"id":"${'i'.repeat(200)}","value":${largest}}\n{"id":"b","value":"x${largest.slice(1)}}\n{"id":"c","value":1}`,
    [1000],
  )
  assert.deepEqual(faultsOf(found), [[2, 'too_large']])
  assert.deepEqual(
    found.lines.map(({ line }) => line),
    [1, 3],
  )
})

test('a line that is too long is not kept in memory', () => {
  const reader = createNdjsonReader({ line() {}, fault() {} })
  const piece = Buffer.alloc(64 * 1024, 'x')
  const beforeBytes = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 1600; n++) reader.push(Buffer.from(piece))
  globalThis.gc?.()
  assert.ok(process.memoryUsage().arrayBuffers - beforeBytes < 50e6 + LINE_BYTES_MAX)
  reader.end()
})

test('wherever the bytes are cut, the same is found', (t) => {
  const body =
    '{"id":"a","value":"é\u{1f600}"}\r\nnope é\n\n{"id":"b","value":{"x": 1.0}}\n{"id":"c","value":2}'
  const { lines } = assertCutsChangeNothing(t, createNdjsonReader, body)
  assert.equal(lines.length, 3)
})

test('hostile lines never stop it, and what it takes is valid and as it was sent', (t) => {
  const random = randomOf(t)
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ':',
    ',',
    'id',
    'value',
    '"id"',
    '"value"',
    '1',
    'e',
    '.0',
    ' ',
    '\n',
    '\r',
    'é',
    '\u0000',
    'null',
  ]
  let taken = 0
  for (let n = 0; n < 6000; n++) {
    const noise = () => Array.from({ length: random.below(12) }, () => random.pick(pieces)).join('')
    const value = () => (random.chance(0.3) ? random.pick(['1.0', '[ ]', '"é"']) : noise())
    const body = random.chance(0.4)
      ? noise()
      : `{"id":"a${noise()}","value":${value()}}\n{"value":${value()} ,"id":"b"}`
    const bytes = Buffer.from(body)
    if (random.chance(0.2) && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
    for (const { value } of reading(bytes, [1 + random.below(9)]).lines) {
      JSON.parse(value)
      assert.ok(bytes.includes(value))
      taken++
    }
  }
  assert.ok(taken > 100, `${taken} lines were taken`)
})
