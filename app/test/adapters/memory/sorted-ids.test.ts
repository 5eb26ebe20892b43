import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSortedIds } from '../../../src/adapters/memory/sorted-ids.ts'
import { type Random, randomOf } from '../../support/random.ts'

/** One of each kind of character that an id may have, so that every pair of kinds meets in an order. */
const CHARACTERS = ['-', '.', '1', ':', '@', 'A', '_', 'a', '~']

function idOf(random: Random, lengthMax: number): string {
  return Array.from({ length: random.below(lengthMax + 1) }, () => random.pick(CHARACTERS)).join('')
}

function inByteOrder(ids: Iterable<string>): string[] {
  return [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

test('every range is that of a sorted array, after any adds and deletes', (t) => {
  const random = randomOf(t)
  const ids = createSortedIds()
  const oracle = new Set<string>()
  for (let round = 0; round < 1000; round++) {
    const id = `${random.pick(CHARACTERS)}${idOf(random, 3)}`
    if (random.chance(0.6)) {
      ids.add(id)
      oracle.add(id)
    } else {
      ids.delete(id)
      oracle.delete(id)
    }
    const prefix = idOf(random, 2)
    const after = random.chance(0.5) ? idOf(random, 4) : undefined
    assert.deepEqual(
      [...ids.range(prefix, after)],
      inByteOrder(oracle).filter((one) => one.startsWith(prefix) && (after === undefined || one > after)),
      `prefix ${prefix}, after ${after}`,
    )
  }
})

test('a range goes on behind an id that has been deleted meanwhile', () => {
  const ids = createSortedIds()
  for (const id of ['a', 'b', 'c']) ids.add(id)
  ids.delete('b')
  assert.deepEqual([...ids.range('', 'b')], ['c'])
})
