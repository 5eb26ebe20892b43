import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startProcess } from '../processes.ts'
import { startModule } from './module.ts'
import { traces } from './traces.ts'

const processes = join(import.meta.dirname, '../processes.ts')
const IGNORES_TERM = `trap '' TERM; echo up; while :; do sleep 0.05; done`

function shell(script: string, env = {}) {
  return startProcess({ command: 'sh', args: ['-c', script], env: { ...process.env, ...env } })
}

/** A process that starts a shell with `startProcess`, and is killed when that has printed `up`. */
async function startAndKillParent(t: TestContext, script: string, { afterwards = '', options = {} } = {}) {
  const { env, gone } = traces()
  const parent = startModule(
    `const { startProcess } = await import(${JSON.stringify(processes)})
     const options = ${JSON.stringify({ command: 'sh', args: ['-c', script], ...options })}
     const child = startProcess(options)
     await child.line(/up/, { timeoutMs: 10000 })
     ${afterwards}
     console.log('parent up')`,
    { ...process.env, ...env },
  )
  t.after(() => parent.stop({ timeoutMs: 0 }))
  await parent.line(/parent up/, { timeoutMs: 10_000 })
  assert(parent.signal('SIGKILL'))
  return gone
}

test('a process ends with its killed parent', async (t) => {
  const gone = await startAndKillParent(t, 'echo up; sleep 600')
  await gone({ timeoutMs: 10_000 })
})

test('a process that is stopped ends with its killed parent', async (t) => {
  const gone = await startAndKillParent(t, 'echo up; sleep 600', {
    afterwards: `child.signal('SIGSTOP')`,
  })
  await gone({ timeoutMs: 10_000 })
})

test('a process that ignores SIGTERM is killed some seconds after its parent', async (t) => {
  const gone = await startAndKillParent(t, IGNORES_TERM)
  await gone({ timeoutMs: 15_000 })
})

test('a parent is not kept from ending, and takes its processes along', async () => {
  const { env, gone } = traces()
  const script = `import { startProcess } from ${JSON.stringify(processes)}
    startProcess({ command: 'sleep', args: ['600'] }); process.exit(7)`
  const parent = startModule(script, { ...process.env, ...env })
  assert.equal((await parent.exited).code, 7)
  await gone({ timeoutMs: 10_000 })
})

test('stop kills what does not end in time, its children included', async () => {
  const { env, gone } = traces()
  const stubborn = shell(`sleep 600 & ${IGNORES_TERM}`, env)
  await stubborn.line(/up/, { timeoutMs: 10_000 })
  assert.deepEqual(await stubborn.stop({ timeoutMs: 50 }), { code: null, signal: 'SIGKILL' })
  // The reaper, which serves this whole test file, was started before and bears no trace.
  await gone({ timeoutMs: 10_000 })
})

test('stop resolves to the exit code of a process that ends by itself', async () => {
  const polite = shell(`trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done`)
  await polite.line(/up/, { timeoutMs: 10_000 })
  assert.deepEqual(await polite.stop(), { code: 3, signal: null })
  assert.deepEqual(await polite.stop(), { code: 3, signal: null })
  assert.equal(polite.signal('SIGKILL'), false)
})

test('its pid is that of the command itself', async () => {
  const shown = shell('echo pid $$')
  assert.equal(await shown.line(/pid/, { timeoutMs: 10_000 }), `pid ${shown.pid}`)
})

test('output has the lines of both streams when the process has ended', async () => {
  const talker = shell('echo one; echo two >&2; printf three')
  await talker.exited
  assert.deepEqual([...talker.output].sort(), ['one', 'three', 'two'])
})

test('line rejects with the output when the process ends without it, and at the deadline', async () => {
  await assert.rejects(shell('echo nothing').line(/up/, { timeoutMs: 10_000 }), /it ended \(0\)\nnothing/)
  const silent = startProcess({ command: 'sleep', args: ['600'] })
  await assert.rejects(silent.line(/up/, { timeoutMs: 50 }), /no line within 50 ms/)
  await silent.stop()
})

test('a command that is not there exits with 127 and says so', async () => {
  const absent = startProcess({ command: 'no-such-command' })
  assert.equal((await absent.exited).code, 127)
  assert.match(absent.output.join('\n'), /no-such-command/)
})

test('Ctrl-C in the terminal does not reach it: it leads a group of its own', async () => {
  const child = startProcess({ command: 'sleep', args: ['600'] })
  assert.doesNotThrow(() => process.kill(-child.pid, 0))
  await child.stop()
})

test('a process gets the signal that it ends by, from stop and after its killed parent', async (t) => {
  const script = `trap 'echo polite; exit 0' INT; trap '' TERM; echo up; while :; do sleep 0.05; done`
  const child = startProcess({ command: 'sh', args: ['-c', script], stopSignal: 'SIGINT' })
  await child.line(/up/, { timeoutMs: 10_000 })
  assert.deepEqual(await child.stop(), { code: 0, signal: null })
  assert.equal(child.output.at(-1), 'polite')

  const folder = mkdtempSync(join(tmpdir(), 'processes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const said = `trap 'echo polite >${folder}/said; exit 0' INT; trap '' TERM; echo up; while :; do sleep 0.05; done`
  const gone = await startAndKillParent(t, said, { options: { stopSignal: 'SIGINT' } })
  await gone({ timeoutMs: 10_000 })
  assert.equal(readFileSync(join(folder, 'said'), 'utf8'), 'polite\n')
})

test('a child that leads a group of its own ends with its parent, from stop and after its killed parent', async (t) => {
  const script = `setsid sh -c "trap '' TERM; exec sleep 600" & ${IGNORES_TERM}`
  const { env, gone } = traces()
  const child = shell(script, env)
  await child.line(/up/, { timeoutMs: 10_000 })
  await child.stop({ timeoutMs: 50 })
  await gone({ timeoutMs: 10_000 })
  const allGone = await startAndKillParent(t, script)
  await allGone({ timeoutMs: 15_000 })
})

test('a folder goes with the killed process that said so, after what it started', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'processes test-'))
  const writes = `trap 'while ! [ -e go ]; do sleep 0.01; done; echo late >late; exit 0' TERM
    echo up; while :; do sleep 0.05; done`
  const gone = await startAndKillParent(t, `cd '${folder}'; ${writes}`, {
    afterwards: `;(await import(${JSON.stringify(processes)})).removeAtEnd(${JSON.stringify(folder)})`,
  })
  assert(existsSync(folder))
  writeFileSync(join(folder, 'go'), '')
  await gone({ timeoutMs: 10_000 })
  assert.equal(existsSync(folder), false)
})

test('what is of a later stage is stopped first, and all of one stage at the same time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'processes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  /** Ends some time after a signal that another one has got too; its file then says that it has ended. */
  const ending = (own: string, other: string) =>
    `trap 'touch asked-${own}; until [ -e asked-${other} ]; do sleep 0.01; done; sleep 0.2; touch ${own}; exit 0' TERM
     echo up; while :; do sleep 0.01; done`
  const script = `const { beginStage, startProcess, stopProcesses } = await import(${JSON.stringify(processes)})
    const start = (script) => startProcess({ command: 'sh', args: ['-c', script], cwd: ${JSON.stringify(folder)} })
    const first = start("trap 'ls ?; exit 0' TERM; echo up; while :; do sleep 0.01; done")
    beginStage()
    const later = [start(${JSON.stringify(ending('b', 'c'))}), start(${JSON.stringify(ending('c', 'b'))})]
    for (const one of [first, ...later]) await one.line(/up/, { timeoutMs: 10000 })
    await stopProcesses()
    console.log(first.output.join(' '))`
  const parent = startModule(script)
  t.after(() => parent.stop({ timeoutMs: 0 }))
  assert.equal(await parent.line(/up/, { timeoutMs: 20_000 }), 'up b c')
})
