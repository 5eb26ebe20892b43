import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Answers, recordAnswers } from '../answers.ts'
import type { OpenLoopResult } from '../open-loop.ts'
import { bareServer, type Running } from '../subjects.ts'
import { prepare, throughput } from '../throughput.ts'

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

let dir: string
let bare: Running

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bench-'))
  bare = await bareServer(answers).start(dir)
})

after(async () => {
  await bare[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
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
  const { file } = await prepare(bare, 'put', dir)
  const script = join(import.meta.dirname, '../open-loop.ts')
  const load = ['--rate', '2000', '--seconds', '0.5', '--connections', '8']
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    '--origin',
    bare.origin.href,
    '--requests',
    file,
    ...load,
  ])
  const result: OpenLoopResult = JSON.parse(stdout)
  assert.equal(result.arrivals, 1_000)
  assert.equal(result.accepted + result.shed + result.failed + result.unsent, 1_000)
  assert.ok(result.accepted > 0)
  assert.ok(result.connections <= 8)
})
