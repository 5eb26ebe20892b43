import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseWorkload, fillSql, itemId, itemValue } from '../postgres/key-space.ts'
import { parsePgbench, readScript, writeScript } from '../postgres/pgbench.ts'

test('a workload asks for different items that exist, in another order each time', () => {
  const paths = (): string[] => databaseWorkload('get', 1_000).requests.map(({ path }) => path)
  const [one, other] = [paths(), paths()]
  assert.equal(one.length, 1_000)
  assert.notDeepEqual(one, other)
  const all = Array.from({ length: 1_000 }, (_, index) => `/data/${itemId(index)}`)
  assert.deepEqual(one.toSorted(), all)
})

test('of many items a part is chosen, none of it twice', () => {
  const { requests } = databaseWorkload('put', 1_000_000)
  const paths = new Set(requests.map(({ path }) => path))
  assert.equal(paths.size, requests.length)
  assert.ok(requests.length < 1_000_000)
})

test('one of ten requests of the mix is a PUT', () => {
  const { requests } = databaseWorkload('mix', 100)
  assert.equal(requests.filter(({ method }) => method === 'PUT').length, 10)
})

test('ids and values have one length each, in the table as in the requests', () => {
  assert.equal(itemId(0).length, itemId(999_999).length)
  assert.deepEqual(JSON.parse(itemValue('10000007')), {
    name: 'item 10000007',
    tags: ['small', 'json'],
    count: 10_000_007,
    active: true,
  })
  assert.ok(fillSql(5).includes(itemValue("' || id || '")))
})

test('pgbench has the statements of the service, with its own variables', () => {
  const read = readScript(100, 1)
  assert.match(read, /^\\set id0 random\(10000000, 10000099\)\nselect\n/)
  assert.match(read, /where id = any\(array\[:id0\]::text\[\]\)/)
  const write = writeScript(100, 2)
  assert.match(
    write,
    /^\\set id0 random\(10000000, 10000049\)\n\\set id1 random\(10000050, 10000099\)\nwith input/,
  )
  assert.match(write, /unnest\(array\[:id0, :id1\]::text\[\], array\[:value, :value\]::text\[\]/)
  assert.match(write, /insert into outbox/)
  for (const script of [read, write]) {
    assert.doesNotMatch(script, /\$\d/)
    assert.match(script, /[^;];\n$/)
  }
})

test('the output of pgbench is read, and has no figure when a statement failed', () => {
  const output = (failed: number): string =>
    `number of transactions actually processed: 100\nnumber of failed transactions: ${failed} (0.000%)\n` +
    'latency average = 0.054 ms\ninitial connection time = 3.1 ms\n' +
    'tps = 73283.123 (without initial connection time)\n'
  assert.deepEqual(parsePgbench(output(0)), { statementsPerSecond: 73_283.123, meanMs: 0.054 })
  assert.throws(() => parsePgbench(output(1)), /no result/)
  assert.throws(() => parsePgbench('pgbench: error: connection failed'), /no result:\npgbench: error/)
})
