import type { Operation } from '../../domain/item.ts'
import type { BatchResult } from '../../ports/store.ts'
import { AGAIN, type Batcher } from '../batcher.ts'
import { writeFault } from './faults.ts'
import { createSingles, type LaneOptions } from './lanes.ts'
import type { Session } from './session.ts'
import { isRefusedBy, type Met, readMet, writeOf, writeRows } from './writes.ts'

/** The operations of `POST /batch`, in a transaction of their own: all of them or none. */
export function createWholeBatches(
  lanes: LaneOptions,
  onCommitted: () => void,
): Batcher<readonly Operation[], BatchResult> {
  return createSingles<readonly Operation[], BatchResult>({
    ...lanes,
    faultOf: writeFault,
    async send(session, operations) {
      const result = await writeAll(session, operations)
      if (result !== AGAIN && result.ok) onCommitted()
      return result
    },
  })
}

async function writeAll(
  session: Session,
  operations: readonly Operation[],
): Promise<BatchResult | typeof AGAIN> {
  await session.script('begin')
  try {
    const written = await writeRows(session, operations.map(writeOf))
    if (written.size === operations.length) {
      await session.script('commit')
      return { ok: true, versions: operations.map(({ id }) => written.get(id)?.version as number) }
    }
    const refused = operations.flatMap(({ id }, index) => (written.has(id) ? [] : [{ id, index }]))
    const met = await readMet(
      session,
      refused.map(({ id }) => id),
    )
    await session.script('rollback')
    return resultOf(operations, refused, met)
  } catch (fault) {
    if (session.isOpen) await session.script('rollback')
    throw fault
  }
}

function resultOf(
  operations: readonly Operation[],
  refused: readonly { readonly id: string; readonly index: number }[],
  met: ReadonlyMap<string, Met>,
): BatchResult | typeof AGAIN {
  const stands = refused.filter(({ id, index }) =>
    isRefusedBy(writeOf(operations[index] as Operation), met.get(id) as Met),
  )
  if (stands.length === 0) return AGAIN
  return {
    ok: false,
    refused: stands.map(({ id, index }) => ({ index, currentVersion: met.get(id)?.currentVersion ?? 0 })),
  }
}
