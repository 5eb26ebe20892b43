import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { Site } from './site.ts'

const PAUSE_MS_MAX = 60

/** Delivers messages of imports again and again: too early, twice, late and in any order. */
export interface Postman extends AsyncDisposable {
  /** Messages by the state of the import when they were sent. */
  readonly sent: ReadonlyMap<string, number>
  /** Sends a message of every import there is. */
  round(): Promise<void>
  end(): Promise<void>
}

export function startPostman({ database, queue }: Site, random: Random): Postman {
  const sent = new Map<string, number>()
  let hasEnded = false

  async function deliver(id: string, state: string): Promise<void> {
    await queue.send(JSON.stringify({ id }), 'import')
    sent.set(state, (sent.get(state) ?? 0) + 1)
  }

  async function imports(): Promise<{ id: string; state: string }[]> {
    return (await database.query('select id, state from imports order by id')) as never
  }

  async function run(): Promise<void> {
    while (!hasEnded) {
      const known = await imports()
      // Each state has its turn, however many imports there are of others.
      for (const state of new Set(known.map((one) => one.state))) {
        const { id } = random.pick(known.filter((one) => one.state === state))
        for (let copies = random.below(3); copies >= 0; copies--) await deliver(id, state)
      }
      await delay(random.below(PAUSE_MS_MAX))
    }
  }

  const running = run()
  // It is looked at in the end, and must not end the test before.
  running.catch(() => {})
  const end = async () => {
    hasEnded = true
    await running
  }
  return {
    sent,
    async round() {
      for (const { id, state } of await imports()) await deliver(id, state)
    },
    end,
    [Symbol.asyncDispose]: () => end().catch(() => {}),
  }
}
