import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { waitUntil } from '../../../local/wait.ts'
import type { ImportChunk } from '../../src/domain/imports/chunker.ts'
import { IMPORT_MESSAGE, importMessageBody } from '../../src/domain/imports/message.ts'
import { createLog } from '../../src/log.ts'
import type { Imports } from '../../src/ports/imports.ts'
import type { Queue, Verdict } from '../../src/ports/queue.ts'
import type { Store } from '../../src/ports/store.ts'
import { importHandler } from '../../src/worker/handlers/import.ts'
import { createWorker } from '../../src/worker/worker.ts'
import { createWorkerMetrics } from '../../src/worker/worker-metrics.ts'
import { patient } from '../support/postgres-store.ts'
import { type Random, randomOf } from '../support/random.ts'

/** What one process works with. */
export interface WorkPlace {
  readonly imports: Imports
  readonly store: Store
  readonly queue: Queue
}

export interface WorkUnderTest {
  /** Processes that share everything. */
  readonly places: readonly [WorkPlace, ...WorkPlace[]]
  stop(): Promise<void>
}

/** What is injected, counted. */
interface Injected {
  late: number
  twiceAtOnce: number
  acknowledgementsLost: number
  early: number
}

const IMPORTS = 24
const CHUNKS = 6
const { log } = createLog('silent')

/** What workers promise of imports, whatever a queue does that delivers at least once. */
export function workContract(name: string, start: () => Promise<WorkUnderTest>): void {
  describe(`the contract of work: ${name}`, () => {
    let work: WorkUnderTest
    before(async () => {
      work = await start()
    })
    after(() => work.stop())

    test('each line takes effect once, though messages come twice, late, early and out of order', async (t) => {
      const random = randomOf(t)
      const injected: Injected = { late: 0, twiceAtOnce: 0, acknowledgementsLost: 0, early: 0 }
      const workers = work.places.map(({ queue, imports }) =>
        createWorker({
          queue: unreliable(queue, random, injected),
          handlers: [importHandler(imports)],
          concurrency: 4,
          metrics: createWorkerMetrics(new Registry()),
          log,
        }),
      )
      for (const worker of workers) worker.start()
      const [{ imports, store, queue }] = work.places

      const all = await Promise.all(
        Array.from({ length: IMPORTS }, async (_, n) => {
          const [id, shared] = [randomUUID(), randomUUID()]
          const own = Array.from({ length: CHUNKS }, () => randomUUID())
          await imports.begin(id, patient)
          for (const [number, ownId] of own.entries()) {
            if (random.chance(0.2)) {
              injected.early++
              await queue.send([{ type: IMPORT_MESSAGE, body: importMessageBody(id) }])
            }
            await imports.stage(id, chunkOf(number, { [ownId]: '"own"', [shared]: String(number) }), patient)
          }
          await imports.seal(id, undefined, patient)
          const isCanceled = n % 6 === 0
          if (isCanceled) await imports.cancel(id, patient)
          return { id, shared, own, isCanceled }
        }),
      )

      for (const { id, shared, own, isCanceled } of all) {
        const ended = await waitUntil(
          'the import has ended',
          async () => {
            const told = await imports.get(id, patient)
            return told?.finishedAtMs !== undefined && told
          },
          { timeoutMs: 60_000 },
        )
        const items = await Promise.all(own.map((ownId) => store.get(ownId, patient)))
        const versions = items.map((item) => item?.version ?? 0)
        const last = await store.get(shared, patient)
        const { applied } = ended.lines
        if (!isCanceled) assert.deepEqual([ended.state, applied], ['succeeded', 2 * CHUNKS])
        // Of one that was canceled the first chunks are there, and they alone.
        const chunks = applied / 2
        assert.deepEqual(versions, [...Array(chunks).fill(1), ...Array(CHUNKS - chunks).fill(0)])
        assert.deepEqual(
          [last?.value, last?.version],
          chunks === 0 ? [undefined, undefined] : [String(chunks - 1), chunks],
        )
      }
      await Promise.all(workers.map((worker) => worker.stop()))
      assert.deepEqual(await queue.deadLetters.list(10), [])
      t.diagnostic(JSON.stringify(injected))
      for (const [fault, times] of Object.entries(injected)) assert.ok(times >= 3, `${fault}: ${times} times`)
    })
  })
}

/** Delivers late and out of order, twice at one time, and again though it was done. */
function unreliable(queue: Queue, random: Random, injected: Injected): Pick<Queue, 'consume'> {
  return {
    consume: (judge, concurrency) =>
      queue.consume(async (delivery): Promise<Verdict> => {
        if (random.chance(0.3)) {
          injected.late++
          await delay(random.below(300))
        }
        const isTwice = random.chance(0.3)
        if (isTwice) injected.twiceAtOnce++
        const [verdict] = await Promise.all([judge(delivery), isTwice && judge(delivery)])
        // Not at the last attempt, which would be a dead letter for no fault of anybody's.
        if (verdict.outcome !== 'done' || delivery.attempt > 2 || !random.chance(0.3)) return verdict
        injected.acknowledgementsLost++
        return { outcome: 'later', delayMs: 0 }
      }, concurrency),
  }
}

function chunkOf(number: number, values: Readonly<Record<string, string>>): ImportChunk {
  const lines = Object.entries(values).map(([id, value], at) => ({ line: number * 100 + at + 1, id, value }))
  return { number, lines, superseded: 0, rejected: 0, faults: [] }
}
