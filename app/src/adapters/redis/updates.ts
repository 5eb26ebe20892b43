import { FENCE_MS, type Fence, type Repair, type Repaired, type RepairPosition } from '../../ports/cache.ts'
import { type Batcher, createBatcher } from '../batcher.ts'
import type { RedisClient } from './client.ts'
import type { Connection } from './connection.ts'
import { fenceText } from './entry-text.ts'
import type { Keys } from './keys.ts'

/** Something about an id that Redis is to keep, unless something as new is there. */
export interface Note {
  readonly id: string
  readonly text: string
  readonly lifetimeMs: number
  /** On the clock of `performance.now()`: what comes to Redis later is refused. */
  readonly notAfterMs: number | undefined
}

export function fenceNote(fence: Fence): Note {
  return { id: fence.id, text: fenceText(fence), lifetimeMs: FENCE_MS, notAfterMs: undefined }
}

/** Everything that is written to Redis. `add` resolves to whether the note was kept. */
export interface Updates extends Pick<Batcher<Note, boolean>, 'add'> {
  /** Makes sure that every part of the cache can be written. Rejects if not. */
  probe(client: RedisClient): Promise<void>
  position(client: RedisClient): Promise<RepairPosition>
  repair(client: RedisClient, repair: Repair): Promise<Repaired>
}

export interface UpdatesOptions {
  readonly connection: Pick<Connection, 'use'>
  readonly keys: Keys
  readonly onBatch: (rows: number, ms: number) => void
}

const LANES_MAX = 2
const ROWS_MAX = 128
/** A script holds Redis up for as long as it takes to copy its arguments. */
const BYTES_MAX = 1024 * 1024
const PROBE_LIFETIME_MS = 1000

/** Where the position is moved. Without it, a script leaves it alone. */
interface Move {
  readonly mode: 'on' | 'restart'
  readonly after: number
  readonly last: number
}

/** Of what is kept under a position's key. */
export function positionOf(text: string | null | undefined): number | undefined {
  return text == null ? undefined : Number(text)
}

export function createUpdates({ connection, keys, onBatch }: UpdatesOptions): Updates {
  /** What Redis's clock is ahead of `performance.now()`, at least, as of the latest answer of each part's master. */
  const clockAheadMs: number[] = []

  async function run(
    client: RedisClient,
    part: number,
    position: string,
    entries: readonly string[],
    notes: readonly Note[],
    move?: Move,
  ): Promise<{ position: Repaired; kept: readonly boolean[] }> {
    const [nowMs, outcome, kept] = await client.update(
      [position, ...entries],
      [...(move === undefined ? ['', '', ''] : [move.mode, ...[move.after, move.last].map(String)])].concat(
        notes.flatMap(({ text, lifetimeMs, notAfterMs }) => [
          text,
          String(Math.round(lifetimeMs)),
          notAfterMs === undefined ? '0' : String(Math.floor(notAfterMs + (clockAheadMs[part] ?? 0))),
        ]),
      ),
    )
    clockAheadMs[part] = nowMs - performance.now()
    return { position: outcome, kept: kept.map((one) => one === 1) }
  }

  const batches = createBatcher<Note, boolean, RedisClient>({
    lanesMax: LANES_MAX,
    rowsMax: ROWS_MAX,
    bytesMax: BYTES_MAX,
    bytesOf: ({ text }) => text.length,
    withLane: connection.use,
    onBatch,
    async send(client, notes) {
      const keyOf = ({ id }: Note) => keys.ofEntry(id, client)
      const byPart = Map.groupBy(notes, ({ id }) => keys.partOf(id, client))
      const kept = new Map<Note, boolean | undefined>()
      await Promise.all(
        [...byPart].map(async ([part, some]) => {
          const updated = await run(client, part, keys.ofPosition(part), some.map(keyOf), some)
          for (const [at, note] of some.entries()) kept.set(note, updated.kept[at])
        }),
      )
      return notes.map((note) => kept.get(note) ?? false)
    },
  })

  return {
    add: batches.add,

    async probe(client) {
      const text = fenceText({ version: Date.now() })
      const note = { id: '', text, lifetimeMs: PROBE_LIFETIME_MS, notAfterMs: undefined }
      await Promise.all(
        keys.parts(client).map((part) => run(client, part, keys.ofProbe(part), [keys.ofProbe(part)], [note])),
      )
    },

    async position(client) {
      const texts = await client.mGet(keys.parts(client).map(keys.ofPosition))
      const known = texts.map(positionOf).filter((position) => position !== undefined)
      return {
        lowest: known.length === 0 ? undefined : Math.min(...known),
        isWhole: known.length === texts.length,
      }
    },

    async repair(client, { after, last, fences, isRestart }) {
      const byPart = Map.groupBy(fences.map(fenceNote), ({ id }) => keys.partOf(id, client))
      const move: Move = { mode: isRestart ? 'restart' : 'on', after, last }
      const keyOf = ({ id }: Note) => keys.ofEntry(id, client)
      const parts = await Promise.all(
        keys.parts(client).map((part) => {
          const some = byPart.get(part) ?? []
          return run(client, part, keys.ofPosition(part), some.map(keyOf), some, move)
        }),
      )
      const outcomes = parts.map(({ position }) => position)
      return (['lost', 'applied'] as const).find((outcome) => outcomes.includes(outcome)) ?? 'known'
    },
  }
}
