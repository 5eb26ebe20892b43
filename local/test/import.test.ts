import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startService } from '../../app/test/support/service.ts'
import { startProcess } from '../processes.ts'

const root = join(import.meta.dirname, '../..')

function fileWith(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'import-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function run(...args: readonly string[]) {
  const started = startProcess({
    command: process.execPath,
    args: ['local/import.ts', ...args],
    cwd: root,
    env: { PATH: process.env.PATH },
  })
  const { code } = await started.exited
  return { code, text: started.output.join('\n') }
}

test('a file is sent and applied, NDJSON and CSV', async (t) => {
  await using service = await startService()
  const ndjson = fileWith(t, 'items.ndjson', '{"id":"a","value":1}\n{"id":"b","value":2}\n')
  const csv = fileWith(t, 'items.CSV', 'id,name\nc,C\n')
  for (const [file, applied] of [
    [ndjson, 2],
    [csv, 1],
  ] as const) {
    const { code, text } = await run(file, '--url', `${service.url}/`)
    assert.equal(code, 0, text)
    assert.match(text, new RegExp(`succeeded\\n.*"applied":${applied}`, 's'))
  }
  assert.equal((await fetch(`${service.url}/data/c`)).status, 200)
})

test('bad lines are shown, and the exit code says that there are some', async (t) => {
  await using service = await startService()
  const file = fileWith(t, 'items.ndjson', '{"id":"a","value":1}\nnope\n')
  const { code, text } = await run(file, '--url', service.url)
  assert.equal(code, 1)
  assert.match(text, /line 2: invalid_json: /)
})

test('a service or a file that is not there is told', async (t) => {
  const file = fileWith(t, 'items.ndjson', '{"id":"a","value":1}\n')
  const refused = await run(file, '--url', 'http://127.0.0.1:1')
  assert.equal(refused.code, 69)
  assert.match(refused.text, /ECONNREFUSED|bad port/)
  const missing = await run(`${file}.missing`)
  assert.equal(missing.code, 64)
  assert.match(missing.text, /there is no such file/)
  assert.equal((await run()).code, 64)
})
