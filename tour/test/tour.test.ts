import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { startProcess } from '../../local/processes.ts'
import { traces } from '../../local/test/traces.ts'
import { createThrowAwayFolder } from '../../local/throw-away.ts'
import type { Act } from '../act.ts'
import { acts } from '../acts/all.ts'
import { tour } from '../tour.ts'

const TOUR_MS_MAX = 170_000

function runTour(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const run = startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, '../run.ts'), ...args],
    env: { ...process.env, ...env },
  })
  t.after(() => run.stop({ signal: 'SIGKILL' }))
  return run
}

test('a shortened tour plays every act, and no claim fails', { timeout: TOUR_MS_MAX }, async (t) => {
  const report = join(createThrowAwayFolder(), 'report.html')
  const marked = traces()
  const startedMs = performance.now()
  const run = runTour(t, ['--short', '--seed', '7', '--report', report], marked.env)
  const exit = await run.exited
  const text = run.output.join('\n')
  t.diagnostic(`${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  assert.deepEqual(exit, { code: 0, signal: null }, text)
  assert.match(text, /seed 7\b/)
  assert.match(text, /7 acts, \d+ claims: (?:all hold|\d+ hold, \d+ not judged)/)
  assert.ok(!text.includes('\u001b'), 'colours where there is no terminal')
  await marked.gone({ timeoutMs: 10_000 })

  const page = readFileSync(report, 'utf8')
  for (const { name, title } of acts) {
    assert.ok(page.includes(`<section id="${name}">`), name)
    assert.ok(page.includes(title), title)
  }
  assert.equal(page.match(/<svg /g)?.length, acts.length)
  assert.deepEqual(
    [...page.matchAll(/class="tier tier-\d">(\d)<\/b> [a-z-]+<\/th>/g)].map(([, tier]) => tier),
    ['1', '2', '4'],
  )
  assert.match(page, /<dt>seed<\/dt><dd>7<\/dd>/)
  assert.doesNotMatch(page, /<script|\b(?:src|href)="(?!#)|url\(|@import|NaN|undefined/)
})

function actThat(name: string, play: Act['play']): Act {
  return { name, tier: 1, title: `An act that ${name}`, why: 'For a test.', play }
}

async function played(...those: readonly Act[]) {
  const report = join(createThrowAwayFolder(), 'report.html')
  const chunks: string[] = []
  const terminal = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  const exitCode = await tour(those, ['--report', report], terminal)
  return { exitCode, page: readFileSync(report, 'utf8'), text: chunks.join('') }
}

const holds = actThat('holds', async ({ claim }) => claim('one is one', '1', true))

test('a tour whose claims hold exits with 0', async () => {
  assert.equal((await played(holds)).exitCode, 0)
})

test('what is not judged is told apart, and fails nothing', async () => {
  const open = actThat('waits', async ({ claim }) => claim('soon', '2 s', true, 'not judged'))
  const { exitCode, page, text } = await played(open, holds)
  assert.equal(exitCode, 0)
  assert.match(text, /~ not judged {2}soon\n +2 s; not judged: others use this machine/)
  assert.match(text, /2 acts, 2 claims: 1 hold, 1 not judged: others use this machine/)
  assert.match(page, /class="verdict open">2 acts, 2 claims: 1 hold, 1 not judged/)
  assert.match(page, /<li class="open"><span>soon<\/span>/)
})

for (const broken of [
  actThat('claims too much', async ({ claim }) => {
    claim('one is two', '<1>', false)
    claim('one is one', '1', true)
  }),
  actThat('cannot be played', () => Promise.reject(new Error('out of <order>'))),
  actThat('claims nothing', async () => {}),
]) {
  test(`a tour with an act that ${broken.name} exits with 1 and says so in its report`, async () => {
    const { exitCode, page } = await played(broken, holds)
    assert.equal(exitCode, 1)
    assert.match(page, /class="verdict fail"/)
    assert.doesNotMatch(page, /<1>|<order>/)
  })
}

test('an act that is not there, or a seed that is none, is a wrong usage', async (t) => {
  for (const args of [
    ['--act', 'no-such'],
    ['--seed', 'x'],
  ]) {
    const run = runTour(t, args)
    assert.equal((await run.exited).code, 64)
    assert.match(run.output.join('\n'), /expected/)
  }
})

test('Ctrl-C leaves nothing running', async (t) => {
  const marked = traces()
  const run = runTour(t, ['--act', 'limits'], marked.env)
  await run.line(/reads a second/, { timeoutMs: 60_000 })
  run.signal('SIGINT')
  assert.deepEqual(await run.exited, { code: 130, signal: null })
  await marked.gone({ timeoutMs: 20_000 })
})
