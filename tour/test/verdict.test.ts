import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patienceFor } from '../crowding.ts'
import { cacheVerdict } from '../hot.ts'
import { evidenceOf, unlessCrowded, within, worstOf } from '../verdict.ts'

test('a time below its bound holds, on any machine', () => {
  assert.equal(within(99, 100, 1), 'holds')
  assert.equal(within(99, 100, 10), 'holds')
})

test('on a quiet machine a time above its bound fails', () => {
  assert.equal(within(100, 100, patienceFor(1.1)), 'fails')
})

test('on a crowded machine a time above its bound is not judged, and one that is far above it fails', () => {
  assert.equal(within(150, 100, patienceFor(1.3)), 'not judged')
  assert.equal(within(261, 100, patienceFor(1.3)), 'fails')
})

test('ten times the bound fails on any machine, and so does no time at all', () => {
  assert.equal(within(1000, 100, patienceFor(50)), 'fails')
  assert.equal(within(Number.NaN, 100, patienceFor(50)), 'fails')
})

test('what others may spoil is not judged where they are, and fails where they are not', () => {
  assert.equal(unlessCrowded(false, 2), 'not judged')
  assert.equal(unlessCrowded(false, 1), 'fails')
  assert.equal(unlessCrowded(true, 2), 'holds')
})

test('a claim is as good as its worst part', () => {
  assert.equal(worstOf([true, 'holds']), 'holds')
  assert.equal(worstOf([true, 'not judged']), 'not judged')
  assert.equal(worstOf(['not judged', false]), 'fails')
})

test('what is not judged says why', () => {
  const claim = { says: 'soon', measured: '150 ms' }
  assert.match(
    evidenceOf({ ...claim, verdict: 'not judged' }),
    /^150 ms; not judged: others use this machine/,
  )
  assert.equal(evidenceOf({ ...claim, verdict: 'fails' }), '150 ms')
})

const cost = { reads: 600, fromStore: 0, rows: 0, repairLagMs: 100 }

test('hot reads that the cache answers cost no row', () => {
  assert.equal(cacheVerdict(cost, 1), 'holds')
  assert.equal(cacheVerdict({ ...cost, fromStore: 20, rows: 18 }, 1), 'holds')
  assert.equal(cacheVerdict({ ...cost, rows: 70 }, 5), 'fails')
})

test('reads that a lagging repair sends to the store are not judged on a crowded machine, and fail otherwise', () => {
  const lagging = { ...cost, fromStore: 70, rows: 70, repairLagMs: 1200 }
  assert.equal(cacheVerdict(lagging, 5), 'not judged')
  assert.equal(cacheVerdict(lagging, 1), 'fails')
  assert.equal(cacheVerdict({ ...lagging, repairLagMs: 100 }, 5), 'fails')
})
