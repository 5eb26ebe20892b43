import { AGAIN, type Batcher, createBatcher } from '../batcher.ts'
import { batchFault, outcomeUnknown } from './faults.ts'
import type { Pool } from './pool.ts'
import type { Session } from './session.ts'
import { isRefusedBy, type Met, readMet, type Write, type Written, writeRows } from './writes.ts'

/** Larger batches write no faster, and one that breaks leaves more writes unknown. */
const ROWS_MAX = 128
const BYTES_MAX = 4 * 1024 * 1024

/** Writes of one item each, many in one statement and so in one commit. `onCommitted` is called after each of those. */
export function createItemWrites(
  pool: Pool,
  lanesMax: number,
  onCommitted: () => void,
): Batcher<Write, Written | Met> {
  async function send(session: Session, writes: readonly Write[]): Promise<(Written | Met | typeof AGAIN)[]> {
    const written = await writeRows(session, writes)
    if (written.size > 0) onCommitted()
    const refused = writes.filter(({ id }) => !written.has(id))
    const met =
      refused.length === 0
        ? undefined
        : await readMet(
            session,
            refused.map(({ id }) => id),
          )
    return writes.map((write) => written.get(write.id) ?? verdict(write, met?.get(write.id) as Met))
  }

  return createBatcher<Write, Written | Met, Session>({
    lanesMax,
    rowsMax: ROWS_MAX,
    bytesMax: BYTES_MAX,
    bytesOf: ({ value }) => value?.length ?? 0,
    keyOf: ({ id }) => id,
    sameKey: 'exclude',
    withLane: pool.use,
    send: (session, writes) =>
      send(session, writes).catch((fault) => {
        throw batchFault(fault, outcomeUnknown(fault))
      }),
  })
}

function verdict(write: Write, met: Met): Met | typeof AGAIN {
  return isRefusedBy(write, met) ? met : AGAIN
}
