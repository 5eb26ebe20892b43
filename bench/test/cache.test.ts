import assert from 'node:assert/strict'
import { test } from 'node:test'
import { levelsBetween } from '../cache/levels.ts'
import { skewedWorkload } from '../cache/skewed-workload.ts'
import { firstId } from '../postgres/key-space.ts'

const counts = (hits: number, misses: number, redis: number, rows: number) =>
  new Map([
    ['cache_requests_total{level="near",result="hit"}', hits],
    ['cache_requests_total{level="near",result="miss"}', misses],
    ['cache_requests_total{level="redis",result="hit"}', redis],
    ['database_batch_rows_sum{kind="read"}', rows],
  ])

test('levels are shares of the reads between two looks', () => {
  const levels = levelsBetween(counts(10, 10, 5, 7), counts(70, 50, 35, 17))
  assert.deepEqual(levels, { near: 0.6, redis: 0.3, rows: 0.1, rowsRead: 10 })
})

test('without a cache every read is a row', () => {
  const rows = (count: number) => new Map([['database_batch_rows_sum{kind="read"}', count]])
  assert.deepEqual(levelsBetween(rows(3), rows(8)), { near: 0, redis: 0, rows: 1, rowsRead: 5 })
})

test('the skewed mix has one PUT in ten, and 80% of its requests for 20% of the items', () => {
  const { requests } = skewedWorkload(1000)
  const puts = requests.filter(({ method }) => method === 'PUT').length
  assert.equal(puts, requests.length / 10)
  const indexes = requests.map(({ path }) => Number(path.slice('/data/'.length)) - firstId)
  assert.ok(indexes.every((index) => index >= 0 && index < 1000))
  const hot = indexes.filter((index) => index < 200).length / requests.length
  assert.ok(Math.abs(hot - 0.8) < 0.01, String(hot))
})
