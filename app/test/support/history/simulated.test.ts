import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, randomOf } from '../random.ts'
import { checkHistory } from './check.ts'
import type { History, Operation, SeenChange, Sight, Write } from './history.ts'

const OPERATIONS = 2000
const IDS = ['x', 'y', 'twins-1-a', 'twins-1-b']

interface State {
  readonly version: number
  readonly by: string | undefined
}

interface Simulation {
  readonly operations: Operation[]
  readonly changes: SeenChange[]
}

/** Clients of a store that does everything right: each operation takes effect at one moment of its time. */
function simulate(random: Random): Simulation {
  const states = new Map<string, State>(IDS.map((id) => [id, { version: 0, by: undefined }]))
  const stateOf = (id: string) => states.get(id) as State
  const operations: Operation[] = []
  const changes: SeenChange[] = []

  function apply({ id, op, by }: Write): number {
    const version = stateOf(id).version + 1
    states.set(id, { version, by: op === 'put' ? by : undefined })
    changes.push({ position: changes.length + 1, id, version, op, seenMs: operations.length + 10_000 })
    return version
  }

  function sightOf(id: string): Sight {
    const { version, by } = stateOf(id)
    return {
      id,
      version: by === undefined ? 0 : version,
      value: by === undefined ? undefined : { by, since: by },
    }
  }

  /** A put, a delete, or both twins at once; conditions are right, old or missing. */
  function writesOf(ids: readonly string[], by: string): Write[] {
    const [first = ''] = ids
    const { version } = sightOf(first)
    const op = random.chance(0.2) ? 'delete' : 'put'
    const condition = random.pick([undefined, version, Math.max(0, version - 1)])
    return ids.map((id) => ({ id, op, by: op === 'put' ? by : undefined, condition, version: undefined }))
  }

  for (let nowMs = 0; nowMs < OPERATIONS; nowMs++) {
    const times = {
      text: String(nowMs),
      startMs: nowMs - random.below(20),
      endMs: nowMs + 1 + random.below(20),
    }
    const ids = random.pick([['x'], ['y'], ['twins-1-a', 'twins-1-b']])
    if (random.chance(0.4)) {
      operations.push({ ...times, outcome: 'ok', writes: [], sights: ids.map(sightOf) })
      continue
    }
    const writes = writesOf(ids, `w${nowMs}`)
    const isLost = random.chance(0.1)
    const sights = ids.map(sightOf)
    const holds = writes.every(({ op, condition }, index) => {
      const { version } = sights[index] as Sight
      return (condition === undefined || condition === version) && !(op === 'delete' && version === 0)
    })
    if (isLost && random.chance(0.5))
      operations.push({ ...times, outcome: random.pick(['failed', 'unknown']), writes, sights: [] })
    else if (!holds)
      operations.push({
        ...times,
        outcome: isLost ? 'unknown' : 'refused',
        writes,
        sights: isLost ? [] : sights.map(({ id, version }) => ({ id, version, value: undefined })),
      })
    else {
      const done = writes.map((write) => ({ ...write, version: apply(write) }))
      // As the service does: a delete does not say which version it made.
      const told = done.map((write) =>
        write.op === 'delete' && done.length === 1 ? { ...write, version: undefined } : write,
      )
      operations.push({
        ...times,
        outcome: isLost ? 'unknown' : 'ok',
        writes: isLost ? writes : told,
        sights: [],
      })
    }
  }
  const end = { text: 'the end', startMs: OPERATIONS + 100, endMs: OPERATIONS + 101 }
  operations.push({ ...end, outcome: 'ok', writes: [], sights: IDS.map(sightOf) })
  return { operations, changes }
}

function historyOf({ operations, changes }: Simulation): History {
  return { operations, readers: [{ name: 'reader', changes, pages: [] }] }
}

test('nothing is found in what a store that does everything right may do', (t) => {
  const random = randomOf(t)
  for (let run = 0; run < 10; run++) assert.deepEqual(checkHistory(historyOf(simulate(random))), [])
})

test('a single fault in a long history is found', (t) => {
  const random = randomOf(t)
  const faults: Readonly<Record<string, (simulation: Simulation) => Simulation>> = {
    'a read of long ago': ({ operations, changes }) => {
      const old = random.pick(operations.filter(isReadOfX).slice(0, 50))
      const late = { startMs: OPERATIONS + 50, endMs: OPERATIONS + 60 }
      return { operations: [...operations, { ...old, ...late }], changes }
    },
    'a read of the future': ({ operations, changes }) => {
      const next = random.pick(operations.filter(isReadOfX).slice(-50))
      return { operations: [...operations, { ...next, startMs: -60, endMs: -50 }], changes }
    },
    'a change that is missing': ({ operations, changes }) => {
      const gone = random.below(changes.length)
      const left = changes.filter((_, index) => index !== gone)
      return { operations, changes: left.map((change, index) => ({ ...change, position: index + 1 })) }
    },
    'a change that is there twice': ({ operations, changes }) => {
      const again = random.pick(changes)
      return { operations, changes: [...changes, { ...again, position: changes.length + 1 }] }
    },
    'two winners': ({ operations, changes }) => {
      const winner = random.pick(
        operations.filter(({ outcome, writes: [write] }) => outcome === 'ok' && write?.version),
      )
      return { operations: [...operations, structuredClone(winner)], changes }
    },
  }
  for (const [name, fault] of Object.entries(faults)) {
    for (let run = 0; run < 5; run++) {
      assert.notEqual(checkHistory(historyOf(fault(simulate(random)))).length, 0, name)
    }
  }
})

function isReadOfX({ writes, sights: [sight] }: Operation): boolean {
  return writes.length === 0 && sight?.id === 'x' && sight.version > 0
}
