import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCsvReader } from '../../../src/domain/imports/csv.ts'
import { randomOf } from '../../support/random.ts'
import { assertCutsChangeNothing, faultsOf, read } from './readers.ts'

const reading = (body: string | Uint8Array, sizes?: readonly number[]) => read(createCsvReader, body, sizes)
const valuesOf = (body: string) => reading(body).lines.map(({ id, value }) => [id, value])

test('a column value is JSON text, kept as it is', () => {
  assert.deepEqual(valuesOf('id,value\na,1.0\nb,"{""x"": ""y""}"\nc,"""text"""\n'), [
    ['a', '1.0'],
    ['b', '{"x": "y"}'],
    ['c', '"text"'],
  ])
})

test('other columns become an object of strings, in their order', () => {
  assert.deepEqual(valuesOf('10,id,"a ""b"""\r\nx,1,\r\n"y,\r\nz",2,"q"\r\n'), [
    ['1', '{"10":"x","a \\"b\\"":""}'],
    ['2', '{"10":"y,\\r\\nz","a \\"b\\"":"q"}'],
  ])
})

test('a record is at the line on which it begins; empty lines count and say nothing', () => {
  const { lines } = reading('\uFEFFid,v\na,"1\n2\n3"\n\nb,4\nc,5')
  assert.deepEqual(
    lines.map(({ line, id }) => [line, id]),
    [
      [2, 'a'],
      [6, 'b'],
      [7, 'c'],
    ],
  )
})

test('a bad record is a fault by its line, and stops no good one', () => {
  const found = reading(
    Buffer.concat([
      Buffer.from('id,value\na b,1\nc,nope\nd\ne,1,2\nf,1"2\ng,"1"2\nh,\r1\ni,"'),
      Buffer.from([0xff]),
      Buffer.from('"\ngood,1\nlast,"1'),
    ]),
  )
  assert.deepEqual(faultsOf(found), [
    [2, 'invalid_field'],
    [3, 'invalid_json'],
    [4, 'invalid_field'],
    [5, 'invalid_field'],
    [6, 'invalid_field'],
    [7, 'invalid_field'],
    [8, 'invalid_field'],
    [9, 'invalid_json'],
    [11, 'invalid_field'],
  ])
  assert.deepEqual(found.lines, [{ line: 10, id: 'good', value: '1' }])
})

test('without a header that can be used one fault says why, and the rest is not looked at', () => {
  for (const header of ['', 'id', 'value', 'a,b', 'id,id', 'id,,x', 'id,value,x', 'i"d,x']) {
    const found = reading(`${header}\n1,2\nx"y,3\n`)
    assert.equal(found.isUnusable, true, header)
    assert.equal(found.faults.length, 1, header)
    assert.deepEqual(found.lines, [])
  }
  assert.equal(reading('').isUnusable, true)
})

test('a byte order mark may be before a quoted name, cut anywhere', () => {
  for (const size of [1, 2, 3, 4, 100]) {
    assert.deepEqual(reading('\uFEFF"id","value"\na,1', [size]).lines, [{ line: 2, id: 'a', value: '1' }])
  }
  for (const size of [1, 2, 3]) {
    const found = reading(Buffer.concat([Buffer.from([0xef, 0xbb]), Buffer.from('id,value\na,1')]), [size])
    assert.deepEqual(faultsOf(found), [[1, 'invalid_json']])
  }
})

test('a record of 50 MB of commas, quotes or text is one fault in bounded memory', () => {
  for (const unit of [',', '""', '"",', 'x']) {
    const faults: unknown[] = []
    const reader = createCsvReader({ line() {}, fault: ({ line, code }) => faults.push([line, code]) })
    reader.push(Buffer.from('id,value\na,'))
    const piece = Buffer.from(unit.repeat(3 * 2 ** 15))
    let [pushed, grownBytes] = [0, 0]
    const beforeBytes = process.memoryUsage().heapUsed
    for (; pushed < 50e6; pushed += piece.length) {
      reader.push(piece)
      grownBytes = Math.max(grownBytes, process.memoryUsage().heapUsed - beforeBytes)
    }
    reader.end()
    assert.deepEqual(faults, [[2, 'too_large']], unit)
    assert.ok(grownBytes < 100e6, `${unit}: ${grownBytes}`)
  }
})

test('a header of many columns is judged at once', () => {
  const names = Array.from({ length: 50_000 }, (_, at) => at.toString(36))
  const startedMs = performance.now()
  assert.equal(reading(`id,${names.join('_,')}`).isUnusable, false)
  assert.ok(performance.now() - startedMs < 1000)
})

test('a fault of the header tells a name that can be kept as text anywhere', () => {
  assert.ok(!reading('id,a\0,a\0\n').faults[0]?.detail.includes('\0'))
})

test('a record that is too long is one fault, and is not kept', () => {
  const found = reading(`id,value\na,"${'x\n'.repeat(200_000)}"\nb,1\n`, [4096])
  assert.deepEqual(faultsOf(found), [[2, 'too_large']])
  assert.deepEqual(found.lines, [{ line: 200_003, id: 'b', value: '1' }])
})

test('wherever the bytes are cut, the same is found', (t) => {
  const body = 'id,"na""me",x\r\na,"é, ""\u{1f600}""\r\n.",1\r\nb,q"x,\nc,"1"2,\n\nd,"","last"'
  const { lines } = assertCutsChangeNothing(t, createCsvReader, body)
  assert.equal(lines.length, 2)
})

test('hostile records never stop it, and what it takes is valid JSON', (t) => {
  const random = randomOf(t)
  const pieces = ['"', '""', ',', '\n', '\r\n', '\r', 'a', 'é', '1', '{', '}', ' ', '\u0000', '\uFEFF']
  let taken = 0
  for (let n = 0; n < 6000; n++) {
    const noise = () => Array.from({ length: random.below(10) }, () => random.pick(pieces)).join('')
    const header = random.chance(0.8) ? random.pick(['id,value', 'id,name', 'x,id,y']) : noise()
    const bytes = Buffer.from(`${header}\n${noise()}\na,${noise()}\nb,1,${noise()}\nc,"${noise()}"`)
    if (random.chance(0.2)) bytes[random.below(bytes.length)] = random.below(256)
    for (const { value } of reading(bytes, [1 + random.below(9)]).lines) {
      JSON.parse(value)
      taken++
    }
  }
  assert.ok(taken > 500, `${taken} records were taken`)
})
