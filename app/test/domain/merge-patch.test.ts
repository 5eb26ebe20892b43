import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergePatch } from '../../src/domain/merge-patch.ts'
import { type Random, randomOf } from '../support/random.ts'

for (const [target, patch, result] of [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
] as const) {
  test(`RFC 7396, appendix A: ${patch} merged into ${target} is ${result}`, () => {
    assert.equal(mergePatch(target, patch), result)
  })
}

test('what the patch does not touch keeps every digit, its inner text and its place', () => {
  assert.equal(
    mergePatch('{"b":1.0,"2":1e400,"a":{"x":12345678901234567890,"y":[ 1.50 ]},"1":-0}', '{"a":{"z":2.00}}'),
    '{"b":1.0,"2":1e400,"a":{"x":12345678901234567890,"y":[ 1.50 ],"z":2.00},"1":-0}',
  )
})

test('a changed member keeps its place, a new one goes to the end, also when it looks like an integer', () => {
  assert.equal(mergePatch('{"b":1,"a":2}', '{"10":3,"b":4,"9":5}'), '{"b":4,"a":2,"10":3,"9":5}')
})

test('null inside an array is a value, not a removal', () => {
  assert.equal(mergePatch('{"a":[1]}', '{"a":[null,{"b":null}]}'), '{"a":[null,{"b":null}]}')
})

test('of a repeated name the last value counts, in the target and in the patch', () => {
  assert.equal(mergePatch('{"a":1,"a":2}', '{"b":1,"b":null}'), '{"a":2}')
  assert.equal(mergePatch('{}', '{"a":{"x":1},"a":{"y":2}}'), '{"a":{"y":2}}')
})

test('names meet by what they mean, however they are escaped', () => {
  assert.equal(mergePatch('{"\\u0061":1,"q\\"":2}', '{"a":3,"q\\u0022":null}'), '{"a":3}')
})

test('__proto__ is merged like any other name', () => {
  assert.equal(
    mergePatch('{"__proto__":{"a":1}}', '{"__proto__":{"b":2},"constructor":{"c":null}}'),
    '{"__proto__":{"a":1,"b":2},"constructor":{}}',
  )
})

test('a lone surrogate in a name survives', () => {
  assert.equal(mergePatch('{"\\ud800":1}', '{"a":2}'), '{"\\ud800":1,"a":2}')
})

test('objects 200 levels deep are merged at every level', () => {
  const deep = (inner: string) => `${'{"a":'.repeat(199)}{${inner}}${'}'.repeat(199)}`
  assert.equal(mergePatch(deep('"x":1'), deep('"y":2')), deep('"x":1,"y":2'))
})

test('any merge is what the pseudocode of RFC 7396 makes of the parsed values', (t) => {
  const random = randomOf(t)
  for (let round = 0; round < 2000; round++) {
    const target = JSON.stringify(anyValue(random, 3))
    const patch = JSON.stringify(anyValue(random, 3))
    assert.deepEqual(
      JSON.parse(mergePatch(target, patch)),
      mergedValue(JSON.parse(target), JSON.parse(patch)),
      `${patch} merged into ${target}`,
    )
  }
})

function mergedValue(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = mergedValue(result[name], value)
  }
  return result
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function anyValue(random: Random, levels: number): unknown {
  if (levels === 0 || random.chance(0.2)) return random.pick([null, 1, 'x', true, [null], [{ a: null }]])
  const names = Array.from({ length: random.below(4) }, () => random.pick(['a', 'b', 'c', '1']))
  return Object.fromEntries(names.map((name) => [name, anyValue(random, levels - 1)]))
}
