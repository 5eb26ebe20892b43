import assert from 'node:assert/strict'
import { test } from 'node:test'
import { levelsBetween } from '../cache/levels.ts'
import { parseInfo } from '../cache/redis-info.ts'
import { rowsOfLifetimes, skewedWorkload } from '../cache/skewed-workload.ts'
import { FIRST_ID } from '../postgres/key-space.ts'

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

test('where nothing was read there are no levels', () => {
  assert.equal(levelsBetween(counts(10, 10, 5, 7), counts(10, 10, 5, 7)), undefined)
  assert.equal(levelsBetween(new Map(), new Map()), undefined)
})

test('the skewed mix has one PUT in ten, and 80% of its requests for 20% of the items', () => {
  const { requests } = skewedWorkload(1000)
  const puts = requests.filter(({ method }) => method === 'PUT').length
  assert.equal(puts, requests.length / 10)
  const indexes = requests.map(({ path }) => Number(path.slice('/data/'.length)) - FIRST_ID)
  assert.ok(indexes.every((index) => index >= 0 && index < 1000))
  const hot = indexes.filter((index) => index < 200).length / requests.length
  assert.ok(Math.abs(hot - 0.8) < 0.01, String(hot))
})

test('each skewed mix is another one', () => {
  const [one, other] = [skewedWorkload(1000), skewedWorkload(1000)]
  assert.notDeepEqual(one.requests, other.requests)
})

test('lifetimes cost every read a row when they are over at once, and the fewer rows the more is read in one', () => {
  assert.equal(rowsOfLifetimes(1000, 100, 0), 1)
  const [slow = 0, fast = 0] = [1000, 10_000].map((rate) => rowsOfLifetimes(100_000, rate, 300_000))
  assert.ok(fast < slow / 4, `${slow} ${fast}`)
})

test('lifetimes cost as many rows as a simulation counts', () => {
  const [items, lifetimeMs, msBetween] = [100, 2_000, 1]
  const endsMs = new Map<string, number>()
  let rows = 0
  let gets = 0
  let nowMs = 0
  for (; nowMs < 400_000; ) {
    for (const { method, path } of skewedWorkload(items).requests) {
      if (method !== 'GET') continue
      nowMs += msBetween
      if ((endsMs.get(path) ?? 0) <= nowMs) {
        endsMs.set(path, nowMs + lifetimeMs)
        rows += 1
      }
      gets += 1
    }
  }
  const expected = rowsOfLifetimes(items, 1_000 / msBetween, lifetimeMs)
  assert.ok(Math.abs(rows / gets / expected - 1) < 0.05, `${rows / gets}, not ${expected}`)
})

test('what Redis says of itself is read, also when it has no key', () => {
  const text = 'used_memory:2097152\r\nmaxmemory:67108864\r\nevicted_keys:7\r\n'
  assert.deepEqual(parseInfo(text), { usedMib: 2, maxMib: 64, keys: 0, evicted: 7 })
  assert.equal(parseInfo(`${text}db0:keys=12,expires=3\r\n`).keys, 12)
  assert.throws(() => parseInfo('-NOAUTH Authentication required.\r\n'), /told nothing/)
})
