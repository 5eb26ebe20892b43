import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { Pool } from '../../../src/adapters/postgres/pool.ts'
import { createRelay } from '../../../src/adapters/postgres/relay.ts'
import type { Session } from '../../../src/adapters/postgres/session.ts'

/** A database in which nothing changes. Time is the test's own, so that a second takes none. */
function quietDatabase() {
  let rounds = 0
  const session = {
    async script() {
      rounds++
      return [
        { rows: [], rowCount: 1 },
        { rows: [], rowCount: 0 },
        { rows: [['feed', 7]], rowCount: 1 },
      ]
    },
  } as unknown as Session
  const pool = { use: (run: (session: Session) => unknown) => run(session) } as unknown as Pool
  return { pool, rounds: () => rounds }
}

test('a thousand waiting readers cost the database a round every 250 ms, and none of them is woken for nothing', async (t) => {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  t.after(() => mock.timers.reset())
  const { pool, rounds } = quietDatabase()
  const relay = createRelay(pool)
  await relay.catchUp()
  relay.start()
  let woken = 0
  const readers = Array.from({ length: 1000 }, () =>
    relay.wait(7, 60_000, new AbortController().signal).then(() => woken++),
  )
  const before = rounds()
  for (let ms = 0; ms < 5000; ms += 50) {
    mock.timers.tick(50)
    await Promise.resolve().then(() => {})
  }
  assert(rounds() - before >= 10, `${rounds() - before} rounds`)
  assert(rounds() - before <= 20, `${rounds() - before} rounds`)
  assert.equal(woken, 0)
  mock.timers.tick(60_000)
  await Promise.all(readers)
  relay.close()
})

test('readers that come together share a round, and each gets one that began after it came', async () => {
  const { pool, rounds } = quietDatabase()
  const relay = createRelay(pool)
  await Promise.all(Array.from({ length: 100 }, () => relay.catchUp()))
  assert.equal(rounds(), 1)
  await relay.catchUp()
  assert.equal(rounds(), 2)
})
