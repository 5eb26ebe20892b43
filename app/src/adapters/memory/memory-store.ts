import { AppError } from '../../domain/errors.ts'
import { fulfils, type IfVersion, type Item, type Operation, PAGE_BYTES_MAX } from '../../domain/item.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Refused, Store } from '../../ports/store.ts'
import { createMemoryFeed } from './memory-feed.ts'
import { createSortedIds } from './sorted-ids.ts'

export interface MemoryStoreOptions {
  readonly clock: Clock
  /** For ids, values and tombstones together, in bytes of UTF-8 plus a constant for each id. */
  readonly bytesMax: number
  readonly changesRetentionMs: number
  readonly changesMax: number
}

/** A row outlives its item: a deleted id keeps its version, so that the next item under it goes on counting. */
interface Row {
  readonly item: Item
  readonly deleted: boolean
  readonly fingerprint: string | undefined
}

/** What a row costs beside its text: the objects, the map's entry, the place in the order, its change in the feed. */
const ROW_BYTES = 400

/**
 * The store port in one process's memory, and the readable specification of it: nothing here waits, so every
 * operation is atomic by itself and takes effect at the moment it is called.
 */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const rows = new Map<string, Row>()
  const ids = createSortedIds()
  const feed = createMemoryFeed({
    clock: options.clock,
    retentionMs: options.changesRetentionMs,
    changesMax: options.changesMax,
  })
  let bytes = 0

  function present(id: string): Item | undefined {
    const row = rows.get(id)
    return row === undefined || row.deleted ? undefined : row.item
  }

  function currentVersion(id: string): number {
    return present(id)?.version ?? 0
  }

  /** A delete needs an item, whatever else it expects. */
  function refuses(op: Operation['op'], id: string, ifVersion: IfVersion): Refused | undefined {
    const current = currentVersion(id)
    const isPossible = op === 'put' || current !== 0
    return isPossible && fulfils(ifVersion, current) ? undefined : { ok: false, currentVersion: current }
  }

  function rowBytes(id: string, value: string): number {
    return ROW_BYTES + id.length + Buffer.byteLength(value)
  }

  /** The growth in bytes that writing these values would cause. Throws `store_full` when there is no room for it. */
  function checkRoom(puts: readonly { id: string; value: string }[]): void {
    let growth = 0
    for (const { id, value } of puts) {
      const old = rows.get(id)
      growth += rowBytes(id, value) - (old === undefined ? 0 : rowBytes(id, old.item.value))
    }
    if (growth > 0 && bytes + growth > options.bytesMax) {
      throw new AppError('store_full', 'The in-memory store has no room for this write.')
    }
  }

  function writeRow(id: string, value: string, deleted: boolean, fingerprint?: string): Item {
    const old = rows.get(id)
    const nowMs = options.clock.nowMs()
    const createdAtMs = old === undefined || old.deleted ? nowMs : old.item.createdAtMs
    const version = (old?.item.version ?? 0) + 1
    const item: Item = { id, value, version, createdAtMs, updatedAtMs: nowMs }
    rows.set(id, { item, deleted, fingerprint: old?.fingerprint ?? fingerprint })
    bytes += rowBytes(id, value) - (old === undefined ? 0 : rowBytes(id, old.item.value))
    if (deleted) ids.delete(id)
    else if (old === undefined || old.deleted) ids.add(id)
    feed.append({ id, version, op: deleted ? 'delete' : 'put', atMs: nowMs })
    return item
  }

  function apply(operation: Operation): number {
    return operation.op === 'put'
      ? writeRow(operation.id, operation.value, false).version
      : writeRow(operation.id, '', true).version
  }

  return {
    feed,

    async get(id) {
      return present(id)
    },

    async getEntry(id) {
      const { item, deleted = true } = rows.get(id) ?? {}
      return item === undefined || deleted ? { id, version: item?.version ?? 0, value: undefined } : item
    },

    async put(id, value, ifVersion) {
      const refused = refuses('put', id, ifVersion)
      if (refused !== undefined) return refused
      checkRoom([{ id, value }])
      const created = currentVersion(id) === 0
      return { ok: true, item: writeRow(id, value, false), created }
    },

    async create(id, value, fingerprint) {
      const old = rows.get(id)
      if (old !== undefined) {
        return { ok: false, fingerprint: old.fingerprint, createdAtMs: old.item.createdAtMs }
      }
      checkRoom([{ id, value }])
      return { ok: true, item: writeRow(id, value, false, fingerprint) }
    },

    async delete(id, ifVersion) {
      const refused = refuses('delete', id, ifVersion)
      return refused ?? { ok: true, version: writeRow(id, '', true).version }
    },

    async list({ prefix, after, limit }) {
      const items: Item[] = []
      let pageBytes = 0
      for (const id of ids.range(prefix, after)) {
        const item = present(id) as Item
        pageBytes += Buffer.byteLength(item.value)
        if (items.length === limit || (pageBytes > PAGE_BYTES_MAX && items.length > 0)) {
          return { items, more: true }
        }
        items.push(item)
      }
      return { items, more: false }
    },

    async batch(operations) {
      const refused = operations.flatMap(({ op, id, ifVersion }, index) => {
        const refusal = refuses(op, id, ifVersion)
        return refusal === undefined ? [] : [{ index, currentVersion: refusal.currentVersion }]
      })
      if (refused.length > 0) return { ok: false, refused }
      checkRoom(operations.filter((operation) => operation.op === 'put'))
      return { ok: true, versions: operations.map(apply) }
    },

    status: () => ({ state: 'ok', latencyMs: 0 }),
    async start() {},
    async close() {},
  }
}
