import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createThrowAwayFolder } from '../../local/throw-away.ts'
import { comparison } from '../postgres/comparison.ts'
import { growth } from '../postgres/growth.ts'
import { lockedRow } from '../postgres/locked-row.ts'
import { poolComparison } from '../postgres/pool.ts'
import { comparisonText, growthText, lockedRowText, poolText, settingsText } from '../postgres/report.ts'
import { type Server, startServer } from '../postgres/server.ts'

const quiet = () => {}
const dir = createThrowAwayFolder()
let server: Server

// All at the same time, for no figure matters.
suite('the parts of tier 2', { concurrency: true }, () => {
  before(async () => {
    server = await startServer(dir)
  })

  after(async () => {
    await server[Symbol.asyncDispose]()
  })

  async function folder(name: string): Promise<string> {
    await mkdir(join(dir, name))
    return join(dir, name)
  }

  test('what answers for the data is on', () => {
    assert.equal(server.settings.fsync, 'on')
    assert.equal(server.settings.synchronous_commit, 'on')
    assert.match(settingsText(server.settings), /^PostgreSQL \d+/)
  })

  test('the service and pgbench have a cell each, with positive figures', async () => {
    const pgbenchLoads = [1, 4].map((rows) => ({ rows, clients: 2 }))
    const plan = {
      workloads: ['put'],
      connections: [2],
      rounds: 1,
      seconds: 1,
      items: 100,
      pgbenchLoads,
    } as const
    const measured = await comparison(server, plan, await folder('comparison'), quiet)
    assert.deepEqual(
      measured.cells.map(({ subject, clients, rowsPerStatement }) => [subject, clients, rowsPerStatement]),
      [
        ['service', 2, undefined],
        ['pgbench', 2, 1],
        ['pgbench', 2, 4],
      ],
    )
    for (const { median } of measured.cells) {
      for (const figure of Object.values(median)) assert.ok(figure === undefined || figure > 0)
    }
    assert.ok(measured.sessions >= 2)
    assert.match(comparisonText(measured), /put service .*\n.*put pgbench/)
  })

  test('the store and pg.Pool have a median each', async () => {
    const measured = await poolComparison(server, { items: 100, turns: 1 })
    for (const { storeP50Ms, poolP50Ms } of [measured.get, measured.put])
      assert.ok(storeP50Ms > 0 && poolP50Ms > 0)
    assert.match(poolText(measured), /get .*\nput /)
  })

  test('the PUTs of a locked row are answered, whatever they are told', async () => {
    const plan = { items: 100, connections: 8, rounds: 1 }
    const measured = await lockedRow(server, plan, await folder('lock'), quiet)
    const answers = Object.values(measured.lockedAnswers)
    assert.equal(
      answers.reduce((sum, number) => sum + number, 0),
      4,
    )
    assert.ok(measured.freePerSecond > 0 && measured.lockedPerSecond > 0)
    assert.match(lockedRowText(measured), /ratio \d/)
  })

  test('few and many items are asked for in the same ways', async () => {
    const plan = {
      fewItems: 1_000,
      manyItems: 2_000,
      connections: 2,
      rounds: 1,
      seconds: 1,
      warmUpSeconds: 1,
    }
    const measured = await growth(server, plan, await folder('growth'), quiet)
    assert.deepEqual(
      measured.map(({ workload }) => workload),
      ['get', 'put', 'page 100'],
    )
    for (const { fewPerSecond, manyPerSecond } of measured) assert.ok(fewPerSecond > 0 && manyPerSecond > 0)
    assert.match(growthText(measured, plan.fewItems, plan.manyItems), /2,000 items/)
  })
})
