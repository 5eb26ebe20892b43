import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { createThrowAwayFolder } from '../../local/throw-away.ts'
import { type ImportMeasured, importing } from '../import/import.ts'
import { importText } from '../import/report.ts'
import { startServer } from '../postgres/server.ts'

const plan = { lines: 20_000, kills: 1, badEvery: 100, warmUp: { seconds: 1, lines: 100 } }
let measured: ImportMeasured

before(async () => {
  const dir = createThrowAwayFolder()
  await using server = await startServer(dir)
  measured = await importing(server, plan, dir, () => {})
})

test('each form has positive figures, and each line has taken effect once', () => {
  assert.deepEqual(
    measured.runs.map(({ form }) => form),
    ['one process', 'API and worker', 'worker killed'],
  )
  for (const { receivedSeconds, appliedSeconds, processes, notOnce } of measured.runs) {
    assert.ok(receivedSeconds > 0 && appliedSeconds > receivedSeconds)
    for (const { restMb, peakMb } of processes) assert.ok(restMb > 0 && peakMb >= restMb)
    assert.deepEqual(notOnce, [])
  }
  assert.ok(measured.copySeconds > 0)
})

test('the worker was killed as often as was asked for', () => {
  assert.equal(measured.runs.at(-1)?.disturbed?.kills, plan.kills)
  assert.match(
    importText(measured),
    /worker killed: 1 times, the message sent twice: each good line took effect once/,
  )
})
