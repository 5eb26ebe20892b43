import assert from 'node:assert/strict'
import { cpSync, globSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../../../local/processes.ts'

const app = fileURLToPath(new URL('../../', import.meta.url))

/** A copy of app/ in which src/adapters has no folder but memory/, and without src/cache. Returns its path. */
function appWithMemoryAlone(t: TestContext): string {
  const copy = mkdtempSync(join(tmpdir(), 'tier-1-'))
  t.after(() => rmSync(copy, { recursive: true }))
  const modules = join(app, 'node_modules')
  cpSync(app, copy, { recursive: true, filter: (path) => path !== modules })
  symlinkSync(modules, join(copy, 'node_modules'))
  for (const other of globSync('src/adapters/*/', { cwd: copy })) {
    if (other !== 'src/adapters/memory') rmSync(join(copy, other), { recursive: true })
  }
  rmSync(join(copy, 'src/cache'), { recursive: true })
  return copy
}

test('tier 1 runs with the folders of the other adapters and of the cache deleted', async (t) => {
  const copy = appWithMemoryAlone(t)
  assert.deepEqual(globSync('src/adapters/*/', { cwd: copy }), ['src/adapters/memory'])
  const service = startProcess({
    command: process.execPath,
    args: [join(copy, 'src/main.ts')],
    env: { PORT: '0', SEED_DATA: 'true', DRAIN_DELAY_MS: '0' },
  })
  t.after(() => service.stop({ signal: 'SIGKILL' }))
  await service.line(/"msg":"ready"/, { timeoutMs: 20_000 })
  const { url } = JSON.parse(await service.line(/"msg":"listening"/, { timeoutMs: 0 }))
  const answer = await fetch(`${url}/data/1`)
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /^\{"id":"1","value":\{"name":"Item 1"\},/)
})
