import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const SIGNALS = new URL('../src/signals.ts', import.meta.url).href

test('a signal that comes before the handler is changed, and is not yet told, goes to the new one', () => {
  const program = `
    import { onStopSignal } from '${SIGNALS}'
    const lost = setTimeout(() => console.log('nobody'), 2000)
    const told = (who) => (signal) => (console.log(who, signal), clearTimeout(lost))
    onStopSignal(told('first'))
    process.kill(process.pid, 'SIGTERM')
    onStopSignal(told('second'))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  assert.equal(stdout, 'second SIGTERM\n')
})
