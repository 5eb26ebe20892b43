import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkHistory } from './check.ts'
import type { History, Operation, Outcome, SeenChange, Sight, Write } from './history.ts'

/** Times in tenths of a second, as [start, end]. */
type Times = readonly [number, number]

function operation(outcome: Outcome, [start, end]: Times, parts: Partial<Operation>): Operation {
  return { text: outcome, startMs: start * 100, endMs: end * 100, outcome, writes: [], sights: [], ...parts }
}

/** A put of `by`, which is also told what it made. */
function put(times: Times, by: string, version: number, parts: Partial<Write> = {}): Operation {
  const write: Write = { id: 'x', op: 'put', by, condition: undefined, version, ...parts }
  return operation('ok', times, { writes: [write] })
}

function unanswered(times: Times, by: string, outcome: Outcome = 'unknown'): Operation {
  return operation(outcome, times, {
    writes: [{ id: 'x', op: 'put', by, condition: undefined, version: undefined }],
  })
}

function remove(times: Times, condition?: number): Operation {
  return operation('ok', times, {
    writes: [{ id: 'x', op: 'delete', by: undefined, condition, version: undefined }],
  })
}

/** Of one write that was refused, and told `version`. */
function refused(times: Times, condition: number, version: number): Operation {
  return operation('refused', times, {
    writes: [{ id: 'x', op: 'put', by: 'refused', condition, version: undefined }],
    sights: [{ id: 'x', version, value: undefined }],
  })
}

function read(times: Times, version: number, by?: string, since = by, id = 'x'): Operation {
  const sight: Sight = {
    id,
    version,
    value: by === undefined || since === undefined ? undefined : { by, since },
  }
  return operation('ok', times, { sights: [sight] })
}

/** `x` and `-x` are a put and a delete, seen long after everything else. */
function changes(...ids: readonly string[]): SeenChange[] {
  const versions = new Map<string, number>()
  return ids.map((text, index) => {
    const id = text.replace(/^-/, '')
    const version = (versions.get(id) ?? 0) + 1
    versions.set(id, version)
    return { position: index + 1, id, version, op: text === id ? 'put' : 'delete', seenMs: 10_000 }
  })
}

function history(operations: readonly Operation[], seen: readonly SeenChange[]): History {
  return { operations, readers: [{ name: 'reader', changes: seen, pages: [] }] }
}

function rulesBroken(tried: History): string[] {
  return [...new Set(checkHistory(tried).map(({ rule }) => rule))]
}

function assertFine(tried: History): void {
  assert.deepEqual(checkHistory(tried), [])
}

function assertBroken(tried: History, rule: RegExp): void {
  assert.ok(
    rulesBroken(tried).some((broken) => rule.test(broken)),
    `broken: ${rulesBroken(tried).join('; ') || 'nothing'}`,
  )
}

suite('acknowledged writes', () => {
  test('are found again', () => {
    assertFine(history([put([0, 1], 'a', 1), put([1, 3], 'b', 2), read([4, 5], 2, 'b')], changes('x', 'x')))
  })
  test('are not lost from the feed', () => {
    assertBroken(history([put([0, 1], 'a', 1), put([1, 2], 'b', 2)], changes('x')), /is in the feed/)
  })
  test('are not lost from the store', () => {
    const tried = history([put([0, 1], 'a', 1), put([1, 2], 'b', 2), read([3, 4], 1, 'a')], changes('x', 'x'))
    assertBroken(tried, /one order/)
  })
  test('are not lost together with their version', () => {
    const tried = history([put([0, 1], 'a', 1), put([2, 3], 'b', 1), read([4, 5], 1, 'b')], changes('x'))
    assertBroken(tried, /made by one write/)
  })
  test('that delete are not lost, although nobody knows their version', () => {
    const operations = [put([0, 1], 'a', 1), remove([2, 3]), read([4, 5], 1, 'a')]
    assertBroken(history(operations, changes('x')), /one order/)
    assertFine(history([...operations.slice(0, 2), read([4, 5], 0)], changes('x', '-x')))
  })
  test('that delete need one delete each', () => {
    const operations = [put([0, 1], 'a', 1), remove([2, 3]), remove([2, 3]), read([4, 5], 0)]
    assertBroken(history(operations, changes('x', '-x')), /what was done is in the feed/)
  })
  test('take effect once', () => {
    const operations = [put([0, 1], 'a', 1), read([2, 3], 2, 'a')]
    assertBroken(history(operations, changes('x', 'x')), /takes effect once/)
  })
})

suite('conditions', () => {
  test('let one of two writers win', () => {
    const operations = [put([0, 1], 'a', 1), put([2, 4], 'b', 2, { condition: 1 }), refused([2, 5], 1, 2)]
    assertFine(history(operations, changes('x', 'x')))
  })
  test('do not let two writers win the same version, whatever they were told', () => {
    const winners = [put([2, 4], 'b', 2, { condition: 1 }), put([2, 4], 'c', 3, { condition: 1 })]
    const tried = history([put([0, 1], 'a', 1), ...winners], changes('x', 'x', 'x'))
    assertBroken(tried, /only if its condition holds/)
  })
  test('that expect an absent item are met by a deleted one alone', () => {
    const operations = [put([0, 1], 'a', 1), remove([2, 3]), put([4, 5], 'b', 3, { condition: 0 })]
    assertFine(history(operations, changes('x', '-x', 'x')))
    const early = [put([0, 1], 'a', 1), put([4, 5], 'b', 2, { condition: 0 })]
    assertBroken(history(early, changes('x', 'x')), /only if its condition holds/)
  })
  test('are not refused when they hold', () => {
    const tried = history([put([0, 1], 'a', 1), refused([2, 3], 1, 1)], changes('x'))
    assertBroken(tried, /refused only if/)
  })
  test('are refused by a state of the time in which they were judged', () => {
    const writes = [put([0, 1], 'a', 1), put([2, 3], 'b', 2), put([6, 7], 'c', 3)]
    assertBroken(history([...writes, refused([4, 5], 9, 1)], changes('x', 'x', 'x')), /one order/)
    assertBroken(history([...writes, refused([4, 5], 9, 3)], changes('x', 'x', 'x')), /one order/)
    assertFine(history([...writes, refused([4, 5], 9, 2)], changes('x', 'x', 'x')))
  })
  test('of a conflict count the races that were lost', () => {
    const conflict = { ...unanswered([2, 3], 'p', 'refused'), lostRaces: { id: 'x', changes: 2 } }
    const writes = [put([0, 1], 'a', 1), put([2, 3], 'b', 2), put([2, 4], 'c', 3)]
    assertFine(history([...writes, conflict], changes('x', 'x', 'x')))
    assertBroken(history([...writes.slice(0, 2), conflict], changes('x', 'x')), /lost races/)
  })
})

suite('reads', () => {
  const writes = [put([0, 1], 'a', 1), put([2, 6], 'b', 2)]
  test('may see a write under way, or not', () => {
    for (const [version, by] of [
      [1, 'a'],
      [2, 'b'],
    ] as const) {
      assertFine(history([...writes, read([3, 4], version, by)], changes('x', 'x')))
    }
  })
  test('do not go back behind what another has seen', () => {
    const tried = history([...writes, read([2, 3], 2, 'b'), read([4, 5], 1, 'a')], changes('x', 'x'))
    assertBroken(tried, /one order/)
  })
  test('see no future', () => {
    assertBroken(history([read([0, 1], 1, 'a'), put([2, 3], 'a', 1)], changes('x')), /one order/)
  })
  test('find nothing only while nothing is there', () => {
    const operations = [put([0, 1], 'a', 1), remove([3, 6]), put([8, 9], 'b', 3)]
    for (const times of [
      [0, 1],
      [4, 5],
      [7, 8],
    ] as const) {
      assertFine(history([...operations, read(times, 0)], changes('x', '-x', 'x')))
    }
    for (const times of [
      [2, 2.5],
      [10, 11],
    ] as const) {
      assertBroken(history([...operations, read(times, 0)], changes('x', '-x', 'x')), /one order/)
    }
  })
  test('of an absence and of a value around a delete are in one order', () => {
    const operations = [put([0, 1], 'a', 1), remove([2, 9]), read([3, 4], 0), read([5, 6], 1, 'a')]
    assertBroken(history(operations, changes('x', '-x')), /one order/)
  })
  test('find what was written, and nothing else', () => {
    assertBroken(history([put([0, 1], 'a', 1), read([2, 3], 1, 'z')], changes('x')), /was written/)
    const mixed = [put([0, 1], 'a', 1), put([0, 1], 'b', 2), read([2, 3], 2, 'a')]
    assertBroken(history(mixed, changes('x', 'x')), /made by one write/)
  })
  test('find a patch merged into the version before its own', () => {
    const operations = [read([0, 1], 1, 'a'), put([0, 1], 'a', 1), read([2, 3], 2, 'b'), put([2, 3], 'b', 2)]
    const patch = (since: string) => [put([4, 5], 'p', 3), read([6, 7], 3, 'p', since)]
    assertFine(history([...operations, ...patch('b')], changes('x', 'x', 'x')))
    assertBroken(history([...operations, ...patch('a')], changes('x', 'x', 'x')), /merged into/)
  })
})

suite('writes without an answer', () => {
  test('may have been done, at any later time, or not', () => {
    const operations = [put([0, 1], 'a', 1), unanswered([2, 3], 'u')]
    assertFine(history([...operations, read([4, 5], 1, 'a')], changes('x')))
    assertFine(history([...operations, read([4, 5], 2, 'u')], changes('x', 'x')))
    assertFine(history([...operations, read([4, 5], 1, 'a'), read([6, 7], 2, 'u')], changes('x', 'x')))
  })
  test('are not done before they were sent', () => {
    assertBroken(history([read([0, 1], 1, 'u'), unanswered([2, 3], 'u')], changes('x')), /one order/)
  })
  test('explain no more changes than there were writes', () => {
    const operations = [put([0, 1], 'a', 1), unanswered([2, 3], 'u')]
    assertBroken(history(operations, changes('x', 'x', 'x')), /no client has sent/)
  })
  test('explain no change of another kind, and none that was seen before', () => {
    const operations = [put([0, 1], 'a', 1), unanswered([2, 3], 'u')]
    assertBroken(history(operations, changes('x', '-x')), /no client has sent/)
    const early = changes('x', 'x').map((change) => ({ ...change, seenMs: 150 }))
    assertBroken(history(operations, early), /no client has sent/)
  })
  test('that are answered as not done are not done', () => {
    const tried = history([unanswered([0, 1], 'f', 'failed'), read([2, 3], 1, 'f')], changes('x'))
    assertBroken(tried, /not done is not done/)
  })
})

suite('batches', () => {
  const batch = (times: Times, outcome: Outcome, ...ids: readonly string[]) =>
    operation(outcome, times, {
      writes: ids.map(
        (id): Write => ({ id, op: 'put', by: 'batch', condition: undefined, version: undefined }),
      ),
    })
  const twins = ['twins-1-a', 'twins-1-b'] as const
  test('without an answer are done as a whole or not at all', () => {
    const seen = read([2, 3], 1, 'batch')
    assertFine(history([batch([0, 1], 'unknown', 'x', 'y')], []))
    assertFine(history([batch([0, 1], 'unknown', 'x', 'y'), seen], changes('x', 'y')))
    assertBroken(history([batch([0, 1], 'unknown', 'x', 'y'), seen], changes('x')), /all of it/)
  })
  test('leave no half in the feed', () => {
    const tried = history([batch([0, 1], 'unknown', ...twins)], changes(twins[0]))
    assertBroken(tried, /as a whole/)
  })
  test('are seen by halves neither in one answer nor in two', () => {
    const writes = [batch([0, 1], 'ok', ...twins), { ...batch([2, 9], 'ok', ...twins) }].map(
      (one, index) => ({
        ...one,
        writes: one.writes.map((write) => ({ ...write, by: `batch-${index}`, version: index + 1 })),
      }),
    )
    const feed = changes(...twins, ...twins)
    const at = (version: number, id: string): Sight => ({ id, version, value: undefined })
    const page = (b: number) => operation('ok', [4, 5], { sights: [at(2, twins[0]), at(b, twins[1])] })
    assertFine(history([...writes, page(2)], feed))
    assertBroken(history([...writes, page(1)], feed), /as a whole/)
    const [first, then] = [read([4, 5], 2, 'batch-1', 'batch-1', twins[0]), [6, 7] as const]
    assertFine(history([...writes, first, read(then, 2, 'batch-1', 'batch-1', twins[1])], feed))
    assertBroken(
      history([...writes, first, read(then, 1, 'batch-0', 'batch-0', twins[1])], feed),
      /one order/,
    )
  })
})

suite('the feed', () => {
  const writes = [put([0, 1], 'a', 1), put([2, 3], 'b', 2)]
  const fine = changes('x', 'x')
  const [first, second] = fine as [SeenChange, SeenChange]
  test('has no gap, no change twice and none out of order', () => {
    const broken = (...seen: readonly SeenChange[]) => assertBroken(history(writes, seen), /feed/)
    broken(first, { ...second, position: 3 })
    broken(first, second, { ...second, position: 3 })
    broken({ ...second, position: 1 }, { ...first, position: 2 })
    broken({ ...first, version: 2 }, { ...second, version: 3 })
  })
  test('is the same for all readers, to the end', () => {
    const readers = (seen: readonly SeenChange[]) => ({
      operations: writes,
      readers: [fine, seen].map((each, index) => ({ name: String(index), changes: each, pages: [] })),
    })
    assertFine(readers(fine))
    assertBroken(readers([first, { ...second, op: 'delete' }]), /same feed/)
    assertBroken(readers([first]), /same feed/)
    assertBroken(readers([first, first, second]), /once and in order/)
  })
  test('has what was acknowledged before it was read', () => {
    const paged = (startMs: number, last: number): History => ({
      operations: writes,
      readers: [{ name: 'reader', changes: fine, pages: [{ startMs, last }] }],
    })
    assertFine(paged(250, 1))
    assertFine(paged(350, 2))
    assertBroken(paged(350, 1), /acknowledged before/)
  })
})
