import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createThrowAwayFolder } from '../../local/throw-away.ts'
import { type Answers, recordAnswers } from '../answers.ts'
import { loadOf } from '../load.ts'
import { runOpenLoop } from '../run-open-loop.ts'
import { bareServer, type Running } from '../subjects.ts'
import { throughput } from '../throughput.ts'
import { workload } from '../workloads.ts'

const headers = ['ETag', '"1"', 'X-Request-Id', 'r-1']
const json = (body: string) => ({
  status: 200,
  headers: [...headers, 'Content-Type', 'application/json', 'Content-Length', String(body.length)],
  body,
})
const answers: Answers = {
  item: json('{"id":"1","value":"one"}'),
  notModified: { status: 304, headers, body: '' },
  put: json('{"id":"bench-0","value":"put"}'),
  keepAliveSeconds: 7,
}

const dir = createThrowAwayFolder()
let bare: Running

before(async () => {
  bare = await bareServer(answers).start(dir)
})

after(async () => {
  await bare[Symbol.asyncDispose]()
})

test('the bare server repeats the answers that were recorded', async () => {
  assert.deepEqual(await recordAnswers(bare.origin), answers)
})

test('throughput has a cell with positive figures for each load', async () => {
  const plan = { workloads: ['get304'] as const, connections: [2], rounds: 1, seconds: 1 }
  const cells = await throughput([bare], plan, dir, () => {})
  assert.deepEqual(
    cells.map(({ workload, connections, subject }) => [workload, connections, subject]),
    [['get304', 2, 'bare']],
  )
  for (const { median, rounds } of cells) {
    assert.equal(rounds.length, 1)
    for (const figure of Object.values(median)) assert.ok(figure > 0)
  }
})

test('a load that gets wrong answers has no figures', async () => {
  const broken = await bareServer({ ...answers, notModified: { ...answers.notModified, status: 404 } }).start(
    dir,
  )
  await using _ = broken
  const plan = { workloads: ['get304'] as const, connections: [1], rounds: 1, seconds: 1 }
  await assert.rejects(
    throughput([broken], plan, dir, () => {}),
    /errors: \d+ status/,
  )
})

test('the open loop accounts for every arrival', async () => {
  const { file } = await loadOf(bare, await workload('put', bare.origin), dir)
  const plan = { rate: 2000, seconds: 0.5, connections: 8 }
  const result = await runOpenLoop(bare.origin, file, plan, 'load')
  assert.equal(result.arrivals, 1_000)
  assert.equal(result.accepted + result.shed + result.failed + result.unsent, 1_000)
  assert.ok(result.accepted > 0)
  assert.ok(result.connections <= 8)
})
