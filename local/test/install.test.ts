import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startProcess } from '../processes.ts'

const script = join(import.meta.dirname, '../install.mjs')

/** Fails where another one is at work already, and takes some time. */
const FAKE_NPM = `#!/bin/sh
mkdir "$LOG.busy" || { echo overlap >>"$LOG"; exit 1; }
echo "$PWD" >>"$LOG"
sleep 0.3
mkdir -p node_modules
rmdir "$LOG.busy"
`

/** A clone in which nothing is installed, and an npm that only says what it was asked for. */
function freshClone(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'install-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['bin', 'local', 'app']) mkdirSync(join(folder, name))
  for (const name of ['', 'app']) writeFileSync(join(folder, name, 'package-lock.json'), '{}')
  copyFileSync(script, join(folder, 'local/install.mjs'))
  writeFileSync(join(folder, 'bin/npm'), FAKE_NPM)
  chmodSync(join(folder, 'bin/npm'), 0o755)
  const log = join(folder, 'log')
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, LOG: log }
  const lockFile = join(folder, '.local/install.lock')
  return {
    lockFile,
    start: () => startProcess({ command: process.execPath, args: [join(folder, 'local/install.mjs')], env }),
    assertInstalledOnce() {
      assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), [folder, join(folder, 'app')])
      assert.equal(existsSync(lockFile), false)
    },
  }
}

test('when nothing is missing, installing says nothing and takes no time', () => {
  const startMs = performance.now()
  const install = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  assert.deepEqual([install.status, install.stdout, install.stderr], [0, '', ''])
  assert(performance.now() - startMs < 1000)
})

test('of several that install at the same time, one does it and the others wait', async (t) => {
  const clone = freshClone(t)
  const installs = Array.from({ length: 3 }, clone.start)
  for (const { exited, output } of installs) assert.equal((await exited).code, 0, output.join('\n'))
  clone.assertInstalledOnce()
})

test('a lock whose owner was killed keeps nobody from installing', async (t) => {
  const clone = freshClone(t)
  const { pid } = spawnSync('true')
  mkdirSync(dirname(clone.lockFile))
  writeFileSync(clone.lockFile, String(pid))
  const installs = Array.from({ length: 3 }, clone.start)
  for (const { exited, output } of installs) assert.equal((await exited).code, 0, output.join('\n'))
  clone.assertInstalledOnce()
})
