import { AGAIN, type Batcher, createBatcher } from '../batcher.ts'
import { writeFault } from './faults.ts'
import type { LaneOptions } from './lanes.ts'
import type { Session } from './session.ts'
import { isRefusedBy, type Met, readMet, type Write, type Written, writeRows } from './writes.ts'

/** Larger batches write no faster, and one that breaks leaves more writes unknown. */
const ROWS_MAX = 128
const BYTES_MAX = 4 * 1024 * 1024

/** Writes of one item each, many in one statement and so in one commit. `onCommitted` is called after each of those. */
export function createItemWrites(
  { pool, lanesMax, onBatch }: LaneOptions,
  onCommitted: () => void,
): Batcher<Write, Written | Met> {
  async function send(session: Session, writes: readonly Write[]): Promise<(Written | Met | typeof AGAIN)[]> {
    const written = await writeRows(session, writes)
    if (written.size > 0) onCommitted()
    const refused = writes.filter(({ id }) => !written.has(id))
    const met = refused.length === 0 ? nothingMet : await metBy(session, refused)
    return writes.map((write) => written.get(write.id) ?? verdict(write, met.get(write.id)))
  }

  return createBatcher<Write, Written | Met, Session>({
    lanesMax,
    rowsMax: ROWS_MAX,
    bytesMax: BYTES_MAX,
    bytesOf: ({ value }) => value?.length ?? 0,
    keyOf: ({ id }) => id,
    sameKey: 'exclude',
    withLane: pool.use,
    onBatch,
    send: (session, writes) =>
      send(session, writes).catch((fault) => {
        throw writeFault(fault)
      }),
  })
}

const nothingMet: ReadonlyMap<string, Met> = new Map()

/** A fault at this point must not be taken for one of the whole batch: its other rows are committed. */
function metBy(session: Session, refused: readonly Write[]): Promise<ReadonlyMap<string, Met>> {
  const ids = refused.map(({ id }) => id)
  return readMet(session, ids).catch(() => nothingMet)
}

/** What was refused may be tried again, because nothing of it was done. */
function verdict(write: Write, met: Met | undefined): Met | typeof AGAIN {
  return met !== undefined && isRefusedBy(write, met) ? met : AGAIN
}
