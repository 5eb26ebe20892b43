import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNearLevel, NEAR_MS } from '../../src/cache/near-level.ts'
import type { Cached } from '../../src/ports/cache.ts'

const MIB = 1024 * 1024

function item(id: string, version: number, value = '1'): Cached {
  return { entry: { id, value, version, createdAtMs: 1, updatedAtMs: 2 }, storedAtMs: 3 }
}

test('an entry is told as it was kept, without a copy', () => {
  const near = createNearLevel(MIB)
  const cached = item('a', 1)
  near.keep(cached, performance.now())
  assert.equal(near.get('a'), cached)
  assert.equal(near.get('b'), undefined)
})

test('an entry lives from the moment before it was asked for, not from its arrival', () => {
  const near = createNearLevel(MIB)
  near.keep(item('a', 1), performance.now() - NEAR_MS - 5)
  assert.equal(near.get('a'), undefined)
})

test('an entry is forgotten after its time', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let nowMs = 1000
  t.mock.method(performance, 'now', () => nowMs)
  const near = createNearLevel(MIB)
  near.keep(item('a', 1), nowMs)
  nowMs += NEAR_MS - 1
  t.mock.timers.tick(NEAR_MS - 1)
  assert.ok(near.get('a'))
  nowMs += 2
  t.mock.timers.tick(2)
  assert.equal(near.get('a'), undefined)
})

test('an older version that arrives late does not replace a newer one', () => {
  const near = createNearLevel(MIB)
  near.keep(item('a', 2), performance.now())
  near.keep(item('a', 1), performance.now())
  assert.equal(near.get('a')?.entry.version, 2)
  near.keep(item('a', 3), performance.now())
  assert.equal(near.get('a')?.entry.version, 3)
})

test('a fence forgets what is older, refuses it, and takes its own version', () => {
  const near = createNearLevel(MIB)
  near.keep(item('a', 1), performance.now())
  near.fence({ id: 'a', version: 2 })
  assert.equal(near.get('a'), undefined)
  near.keep(item('a', 1), performance.now())
  assert.equal(near.get('a'), undefined)
  near.keep(item('a', 2), performance.now())
  assert.equal(near.get('a')?.entry.version, 2)
  near.fence({ id: 'a', version: 2 })
  assert.equal(near.get('a')?.entry.version, 2)
})

test('its bytes are bounded, with the largest values too', () => {
  const near = createNearLevel(4 * MIB)
  const value = 'x'.repeat(256 * 1024)
  for (let at = 0; at < 100; at++) near.keep(item(`large-${at}`, 1, value), performance.now())
  assert.ok(near.bytes <= 4 * MIB)
  assert.ok(near.bytes > 3 * MIB)
  assert.ok(near.get('large-99'))
  assert.equal(near.get('large-0'), undefined)
})

test('a value that does not fit at all is not kept, and nothing goes for it', () => {
  const near = createNearLevel(64 * 1024)
  near.keep(item('small', 1), performance.now())
  near.keep(item('large', 1, 'x'.repeat(256 * 1024)), performance.now())
  assert.equal(near.get('large'), undefined)
  assert.ok(near.get('small'))
})

test('without bytes it keeps nothing', () => {
  const near = createNearLevel(0)
  near.keep(item('a', 1), performance.now())
  assert.equal(near.get('a'), undefined)
  assert.equal(near.bytes, 0)
})
