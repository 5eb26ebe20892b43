import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('when nothing is missing, installing says nothing and takes no time', () => {
  const startMs = performance.now()
  const install = spawnSync(process.execPath, [join(import.meta.dirname, '../install.mjs')], {
    encoding: 'utf8',
  })
  assert.deepEqual([install.status, install.stdout, install.stderr], [0, '', ''])
  assert(performance.now() - startMs < 1000)
})
