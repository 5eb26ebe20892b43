import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import type { ImportChunk } from '../../src/domain/imports/chunker.ts'
import type { Import, Imports, ReapLimits } from '../../src/ports/imports.ts'
import type { Message, Queue } from '../../src/ports/queue.ts'
import type { Store } from '../../src/ports/store.ts'
import { patient } from '../support/postgres-store.ts'

export interface ImportsUnderTest {
  readonly imports: Imports
  readonly store: Store
  /** Where the messages of imports are. */
  readonly queue: Queue
  stop(): Promise<void>
}

const soon = { timeoutMs: 10_000 }
const DAY_MS = 86_400_000
const patience: ReapLimits = { receivingMs: DAY_MS, untouchedMs: DAY_MS, finishedMs: DAY_MS }

/** What every keeper of imports promises. */
export function importsContract(name: string, start: () => Promise<ImportsUnderTest>): void {
  describe(`the imports contract: ${name}`, () => {
    let imports: Imports
    let store: Store
    let queue: Queue
    let stop: () => Promise<void>
    before(async () => {
      ;({ imports, store, queue, stop } = await start())
    })
    after(() => stop())

    async function begun(): Promise<string> {
      const id = randomUUID()
      await imports.begin(id, patient)
      return id
    }

    const stage = (id: string, chunk: ImportChunk) => imports.stage(id, chunk, patient)
    const seal = (id: string, traceparent?: string) => imports.seal(id, traceparent, patient)
    const stored = async (id: string) => (await store.get(id, patient))?.value

    async function told(id: string): Promise<Import> {
      const found = await imports.get(id, patient)
      assert(found !== undefined)
      return found
    }

    /** As a worker does it, as long as there is something to do. */
    async function work(id: string): Promise<void> {
      while ((await imports.apply(id)) !== 'ended');
    }

    /** All messages that are there. */
    async function messages(): Promise<Message[]> {
      await queue.send([{ type: 'last', body: '{}' }])
      const received: Message[] = []
      const { promise: all, resolve } = Promise.withResolvers<void>()
      const consumer = queue.consume(async ({ message }) => {
        if (message.type === 'last') resolve()
        else received.push(message)
        return { outcome: 'done' }
      }, 1)
      await all
      await consumer.stop()
      return received
    }

    test('an import that never was is undefined, canceled too', async () => {
      assert.equal(await imports.get(randomUUID(), patient), undefined)
      assert.equal(await imports.cancel(randomUUID(), patient), undefined)
    })

    test('nothing is applied before the body has ended, and then all of it, in order', async () => {
      const [import_, a, b] = [await begun(), randomUUID(), randomUUID()]
      await stage(import_, chunkOf(0, { [a]: '1', [b]: '1.0' }))
      await stage(import_, chunkOf(1, { [a]: '{"b":1,"a":2}' }))
      assert.equal(await imports.apply(import_), 'ended')
      assert.equal(await stored(a), undefined)
      assert.equal((await told(import_)).state, 'receiving')
      assert.equal((await told(import_)).lines.total, 3)

      await seal(import_)
      assert.equal((await told(import_)).state, 'queued')
      assert.equal(await imports.apply(import_), 'more')
      assert.equal((await told(import_)).state, 'running')
      assert.equal(await stored(a), '1')
      assert.equal(await imports.apply(import_), 'ended')
      const { state, lines, finishedAtMs = 0, createdAtMs } = await told(import_)
      assert.deepEqual([state, lines], ['succeeded', { total: 3, applied: 3, rejected: 0, superseded: 0 }])
      assert.ok(finishedAtMs >= createdAtMs && createdAtMs > 0)
      assert.equal(await stored(a), '{"b":1,"a":2}')
      assert.equal((await store.get(a, patient))?.version, 2)
      assert.equal(await stored(b), '1.0')
    })

    test('its writes are changes in the feed like all others', async () => {
      const [import_, id] = [await begun(), randomUUID()]
      await store.put(id, '"old"', undefined, patient)
      await stage(import_, chunkOf(0, { [id]: '"new"' }))
      await seal(import_)
      await work(import_)
      const versions: number[] = []
      for (let after: number | undefined; ; ) {
        const page = await store.feed.read({ after, limit: 1000 }, patient)
        assert(page.ok)
        versions.push(...page.changes.filter((change) => change.id === id).map(({ version }) => version))
        after = page.last
        if (page.changes.length === 0) break
      }
      assert.deepEqual(versions, [1, 2])
    })

    test('bad lines are told by number and reason, and stop no good one', async () => {
      const [import_, id] = [await begun(), randomUUID()]
      const fault = { line: 2, code: 'invalid_json', detail: 'Expected valid JSON.' } as const
      await stage(import_, { ...chunkOf(0, { [id]: '1' }), rejected: 3, superseded: 2, faults: [fault] })
      await seal(import_)
      await work(import_)
      const { lines, errors } = await told(import_)
      assert.deepEqual(lines, { total: 6, applied: 1, rejected: 3, superseded: 2 })
      assert.deepEqual(errors, [fault])
    })

    test('a chunk of faults alone, and an import of nothing, succeed', async () => {
      const faulty = await begun()
      await stage(faulty, {
        ...chunkOf(0, {}),
        rejected: 1,
        faults: [{ line: 1, code: 'too_large', detail: 'x' }],
      })
      await seal(faulty)
      const empty = await begun()
      await seal(empty)
      await work(faulty)
      assert.equal((await told(faulty)).state, 'succeeded')
      assert.equal((await told(empty)).state, 'succeeded')
    })

    test('a chunk of nothing, as of a slow body, is in the way of no other', async () => {
      const [import_, id] = [await begun(), randomUUID()]
      await stage(import_, chunkOf(0, {}))
      await stage(import_, chunkOf(1, { [id]: '1' }))
      await seal(import_)
      await work(import_)
      const { state, lines } = await told(import_)
      assert.deepEqual([state, lines.applied], ['succeeded', 1])
    })

    test('after a cancel nothing more is applied, and what was applied stays', async () => {
      const [import_, first, second] = [await begun(), randomUUID(), randomUUID()]
      await stage(import_, chunkOf(0, { [first]: '1' }))
      await stage(import_, chunkOf(1, { [second]: '2' }))
      await seal(import_)
      await imports.apply(import_)
      const canceled = await imports.cancel(import_, patient)
      assert.deepEqual([canceled?.state, canceled?.lines.applied], ['canceled', 1])
      assert.equal(await imports.apply(import_), 'ended')
      assert.equal(await stored(first), '1')
      assert.equal(await stored(second), undefined)
    })

    test('a cancel while it is worked on is right whichever comes first', async () => {
      for (let round = 0; round < 20; round++) {
        const import_ = await begun()
        const ids = Array.from({ length: 4 }, () => randomUUID())
        for (const [number, id] of ids.entries()) await stage(import_, chunkOf(number, { [id]: '1' }))
        await seal(import_)
        const working = work(import_)
        const canceled = await imports.cancel(import_, patient)
        const there = async () =>
          (await Promise.all(ids.map(stored))).filter((value) => value !== undefined).length
        assert.equal(await there(), canceled?.lines.applied)
        await working
        assert.equal(await there(), canceled?.lines.applied)
      }
    })

    test('who was canceled or has ended receives nothing more', async () => {
      const canceled = await begun()
      await imports.cancel(canceled, patient)
      await assert.rejects(stage(canceled, chunkOf(0, { a: '1' })), { code: 'conflict' })
      await assert.rejects(seal(canceled), { code: 'conflict' })
      const sealed = await begun()
      await seal(sealed)
      await assert.rejects(stage(sealed, chunkOf(0, { a: '1' })), { code: 'conflict' })
      assert.equal(
        (await imports.cancel(sealed, patient))?.state,
        'succeeded',
        'what has ended is left as it is',
      )
    })

    test('a body that broke off is given up with its reason, and nothing of it is applied', async () => {
      const [import_, id] = [await begun(), randomUUID()]
      await stage(import_, chunkOf(0, { [id]: '1' }))
      await imports.fail(import_, 'The body broke off.', patient)
      const { state, detail, finishedAtMs } = await told(import_)
      assert.deepEqual([state, detail], ['failed', 'The body broke off.'])
      assert.ok(finishedAtMs !== undefined)
      assert.equal(await imports.apply(import_), 'ended')
      assert.equal(await stored(id), undefined)
    })

    test('what nothing more comes of is given up after a time, and what has ended is forgotten after another', async () => {
      const [left, ended] = [await begun(), await begun()]
      await stage(left, chunkOf(0, { [randomUUID()]: '1' }))
      await seal(ended)
      await imports.reap(patience)
      assert.equal((await told(left)).state, 'receiving')
      await imports.reap({ ...patience, receivingMs: -1000 })
      assert.equal((await told(left)).state, 'failed')
      assert.equal((await told(ended)).state, 'succeeded')
      await imports.reap({ ...patience, finishedMs: -1000 })
      assert.equal(await imports.get(ended, patient), undefined)
      assert.equal(await imports.get(left, patient), undefined)
    })

    test('several that work at one time apply each chunk once, in order', async () => {
      const CHUNKS = 8
      for (let round = 0; round < 5; round++) {
        const import_ = await begun()
        const again = randomUUID()
        const ids: string[] = []
        for (let number = 0; number < CHUNKS; number++) {
          const own = Array.from({ length: 20 }, () => randomUUID())
          ids.push(...own)
          const values = Object.fromEntries([...own.map((id) => [id, '1']), [again, String(number)]])
          await stage(import_, chunkOf(number, values))
        }
        await seal(import_)
        await Promise.all(Array.from({ length: 4 }, () => work(import_)))
        const { state, lines } = await told(import_)
        assert.deepEqual([state, lines.applied], ['succeeded', ids.length + CHUNKS])
        const items = await Promise.all(ids.map((id) => store.get(id, patient)))
        assert.ok(items.every((item) => item?.version === 1))
        const last = await store.get(again, patient)
        assert.deepEqual([last?.value, last?.version], [String(CHUNKS - 1), CHUNKS])
      }
    })

    test('that the body has ended is told to workers once, with the trace of its request, and nothing before', async () => {
      await messages()
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const [sealed, receiving, empty, canceled] = [
        await begun(),
        await begun(),
        await begun(),
        await begun(),
      ]
      for (const import_ of [sealed, receiving, canceled]) await stage(import_, chunkOf(0, { a: '1' }))
      await imports.cancel(canceled, patient)
      await assert.rejects(seal(canceled), { code: 'conflict' })
      await seal(empty)
      await seal(sealed, traceparent)
      await assert.rejects(seal(sealed), { code: 'conflict' })
      assert.deepEqual(await messages(), [
        { type: 'import', body: JSON.stringify({ id: sealed }), traceparent },
      ])
    })

    test('it tells when something of it came, was applied or ended last', async () => {
      const import_ = await begun()
      const times = [(await told(import_)).updatedAtMs]
      assert.ok((times[0] as number) >= (await told(import_)).createdAtMs)
      const later = async () => {
        await waitUntil('the clock goes on', () => Date.now() > (times.at(-1) as number) + 1, soon)
      }
      for (const step of [
        () => stage(import_, chunkOf(0, { [randomUUID()]: '1' })),
        () => stage(import_, chunkOf(1, { [randomUUID()]: '1' })),
        () => seal(import_),
        () => imports.apply(import_),
        () => imports.cancel(import_, patient),
      ]) {
        await later()
        await step()
        const { updatedAtMs } = await told(import_)
        assert.ok(updatedAtMs > (times.at(-1) as number), String(step))
        times.push(updatedAtMs)
      }
      assert.equal(times.at(-1), (await told(import_)).finishedAtMs)
      await later()
      assert.equal((await told(import_)).updatedAtMs, times.at(-1))
    })

    test('workers are told again of an import that nobody works on, for a queue may lose a message', async () => {
      await messages()
      const [queued, running, ended, receiving] = [await begun(), await begun(), await begun(), await begun()]
      for (const import_ of [queued, running, ended, receiving]) {
        await stage(import_, chunkOf(0, { [randomUUID()]: '1' }))
        await stage(import_, chunkOf(1, { [randomUUID()]: '1' }))
      }
      for (const import_ of [queued, running, ended]) await seal(import_)
      assert.equal(await imports.apply(running), 'more')
      await work(ended)
      assert.equal((await messages()).length, 3)
      await imports.reap(patience)
      assert.deepEqual(await messages(), [])
      await imports.reap({ ...patience, untouchedMs: -1000 })
      const told = (await messages()).map(({ type, body }) => [type, JSON.parse(body).id])
      // Others may be left of other tests.
      const own = told.filter(([, id]) => [queued, running, ended, receiving].includes(id))
      assert.deepEqual(
        own.toSorted(),
        [
          ['import', queued],
          ['import', running],
        ].toSorted(),
      )
      for (const import_ of [queued, running]) await work(import_)
    })

    test('there is nothing to do for an import that never was', async () => {
      assert.equal(await imports.apply(randomUUID()), 'ended')
    })
  })
}

function chunkOf(number: number, values: Readonly<Record<string, string>>): ImportChunk {
  const lines = Object.entries(values).map(([id, value], at) => ({ line: number * 100 + at + 1, id, value }))
  return { number, lines, superseded: 0, rejected: 0, faults: [] }
}
