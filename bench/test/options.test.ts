import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsDatabase, PART_NAMES, parseOptions, UsageError } from '../options.ts'

test('without arguments every part runs with its defaults', () => {
  const { parts, rounds, connections, workloads, help } = parseOptions([])
  assert.deepEqual(parts, PART_NAMES)
  assert.equal(rounds, 5)
  assert.deepEqual(connections, [1, 16, 64, 256])
  assert.deepEqual(workloads, ['get', 'get304', 'put', 'mix'])
  assert.equal(help, false)
})

test('parts and lists are taken as they are given, without repetitions', () => {
  const options = parseOptions([
    'overload',
    '--connections',
    '4, 8,4',
    '--workloads',
    'put',
    '--seconds',
    '1',
  ])
  assert.deepEqual(options.parts, ['overload'])
  assert.deepEqual(options.connections, [4, 8])
  assert.deepEqual(options.workloads, ['put'])
  assert.equal(options.seconds, 1)
})

test('only the parts of tier 2 need a database', () => {
  assert.equal(needsDatabase(parseOptions(['start', 'throughput', 'overload'])), false)
  assert.equal(needsDatabase(parseOptions(['start', 'lock'])), true)
  assert.equal(needsDatabase(parseOptions([])), true)
})

for (const [args, message] of [
  [['--rounds', '0'], /--rounds: expected a whole number from 1 to 100, not '0'/],
  [['--seconds', '1.5'], /--seconds: expected a whole number/],
  [['--connections', '1,'], /--connections: expected a whole number/],
  [['--workloads', 'delete'], /--workloads: expected one of get, get304, put, mix, not 'delete'/],
  [['faster'], /part: expected one of throughput, start, .*, queue, not 'faster'/],
  [['--round', '3'], /'--round'/],
] as const) {
  test(`${args.join(' ')} is refused with what was expected`, () => {
    assert.throws(
      () => parseOptions(args),
      (error) => error instanceof UsageError && message.test(error.message),
    )
  })
}
