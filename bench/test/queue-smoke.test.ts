import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { createThrowAwayFolder } from '../../local/throw-away.ts'
import { isolation } from '../isolation/isolation.ts'
import { isolationText } from '../isolation/report.ts'
import { type Server, startServer } from '../postgres/server.ts'
import { queue } from '../queue/queue.ts'
import { queueText } from '../queue/report.ts'

const quiet = () => {}
const dir = createThrowAwayFolder()
let server: Server

suite('the parts of the queue', () => {
  before(async () => {
    server = await startServer(dir)
  })

  after(async () => {
    await server[Symbol.asyncDispose]()
  })

  test('an API with a worker and one without have the same states, with positive figures', async () => {
    const lines = { smallLinesPerSecond: 1_000, largeLinesPerSecond: 250, mayEndEarly: true }
    const plan = { items: 100, rate: 50, rounds: 1, seconds: 1, ...lines }
    const { cells, ...others } = await isolation(server, plan, dir, quiet)
    const statesOf = (name: string) => cells.filter(({ system }) => system === name).map(({ state }) => state)
    assert.deepEqual(statesOf('one process'), statesOf('API and worker'))
    for (const { state, median } of cells) {
      for (const { p50Ms, p99Ms, maxMs } of [median.get, median.put]) {
        assert.ok(p50Ms > 0 && p99Ms >= p50Ms && maxMs >= p99Ms)
      }
      // An import may be done before somebody looks.
      if (!/worked on|values/.test(state)) assert.equal(median.appliedPerSecond, 0, state)
    }
    assert.match(isolationText({ cells, ...others }), /nothing else +one process/)
  })

  test('PUTs and imports are answered in every state of the queue, and each import succeeds', async () => {
    const plan = { items: 100, putRate: 50, postRate: 10, imports: 20, rounds: 1, seconds: 1 }
    const measured = await queue(server, plan, dir, quiet)
    assert.deepEqual(
      measured.outages.map(({ state }) => state),
      ['up', 'black hole', 'refused'],
    )
    for (const { median, putRatio } of measured.outages) {
      assert.ok(median.put.p99Ms > 0 && median.post.p99Ms > 0 && putRatio > 0)
      assert.ok(median.imports > 0)
    }
    for (const { median } of measured.many)
      assert.ok(median.messagesPerSecond > 0 && median.importsPerSecond > 0)
    assert.match(queueText(measured), /black hole .*\nrefused /)
  })
})
