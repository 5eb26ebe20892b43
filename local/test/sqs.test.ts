import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startSqs } from '../sqs.ts'

const TOGETHER_MS = 1500

test('an emulator waits until another one has left its messages', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'multi-aws-test-'))
  const first = await startSqs({ folder })
  const second = startSqs({ folder })
  t.after(async () => {
    for (const one of [first, await second]) await one.stop()
    rmSync(folder, { recursive: true })
  })
  const isFirst = await Promise.race([second.then(() => false), delay(TOGETHER_MS, true)])
  assert(isFirst, 'it starts beside another one')
  first.signal('SIGKILL')
  await second
})
