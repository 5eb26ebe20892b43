import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryImports } from '../../../src/adapters/memory/memory-imports.ts'
import { createMemoryQueue } from '../../../src/adapters/memory/memory-queue.ts'
import { createMemoryStore } from '../../../src/adapters/memory/memory-store.ts'
import type { ImportChunk } from '../../../src/domain/imports/chunker.ts'
import { systemClock } from '../../../src/ports/clock.ts'
import type { Imports } from '../../../src/ports/imports.ts'
import { patient } from '../../support/postgres-store.ts'

const BYTES_MAX = 200_000

function create(): Imports {
  const bounds = { bytesMax: BYTES_MAX, changesRetentionMs: 3_600_000, changesMax: 10_000 }
  const store = createMemoryStore({ clock: systemClock, ...bounds })
  const queue = createMemoryQueue({ clock: systemClock, attemptsMax: 5 })
  return createMemoryImports({ store, queue, clock: systemClock, bytesMax: BYTES_MAX })
}

/** A hundred bad lines. */
const faulty: ImportChunk = {
  ...{ number: 0, lines: [], superseded: 0, rejected: 100 },
  faults: Array.from({ length: 100 }, (_, line) => ({
    line,
    code: 'invalid_json',
    detail: 'Expected JSON.',
  })),
}
const large = (value: string): ImportChunk => ({ ...faulty, lines: [{ line: 1, id: 'a', value }] })

test('what is kept of imports is bounded: of those that have ended the oldest is forgotten first', async () => {
  const imports = create()
  const running = 'running'
  await imports.begin(running, patient)
  await imports.stage(running, faulty, patient)
  for (let n = 0; n < 100; n++) {
    await imports.begin(`${n}`, patient)
    await imports.stage(`${n}`, faulty, patient)
    await imports.fail(`${n}`, 'The body broke off.', patient)
  }
  assert.equal(await imports.get('0', patient), undefined)
  assert.equal((await imports.get('99', patient))?.errors.length, 100)
  assert.equal((await imports.get(running, patient))?.state, 'receiving')
})

test('what there is no room for is refused, and has room when others have ended', async () => {
  const imports = create()
  const value = 'x'.repeat(BYTES_MAX * 0.8)
  for (const id of ['one', 'other']) await imports.begin(id, patient)
  await imports.stage('one', large(value), patient)
  await assert.rejects(imports.stage('other', large(value), patient), { code: 'store_full' })
  await imports.cancel('one', patient)
  await imports.stage('other', large(value), patient)
  assert.equal((await imports.get('other', patient))?.lines.total, 101)
})
