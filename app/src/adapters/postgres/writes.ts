import type { IfVersion, Operation } from '../../domain/item.ts'
import type { Session } from './session.ts'
import { statement } from './statements.ts'
import { bigintArray, idArray, textArray } from './text-array.ts'

/** One row of the statement in sql/write.sql. */
export interface Write {
  readonly id: string
  /** Null deletes. */
  readonly value: string | null
  readonly condition: number | null
  readonly fingerprint: string | null
}

export interface Written {
  readonly ok: true
  readonly version: number
  readonly created: boolean
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What a refused write met; version 0 for an absent item. */
export interface Met {
  readonly ok: false
  readonly currentVersion: number
  /** Whether the id has a row, be it a tombstone. */
  readonly existed: boolean
  readonly fingerprint: string | undefined
  readonly createdAtMs: number
}

/** Conditions as sql/write.sql has them. */
const PRESENT = -1
export const NEVER_EXISTED = -2
/** No version is ever this. */
const NEVER = Number.MAX_SAFE_INTEGER

const write = statement('write')
const readRefused = statement('read-refused')

export function writeOf({ id, ifVersion, ...operation }: Operation): Write {
  const value = operation.op === 'put' ? operation.value : null
  const condition = value === null ? deleteCondition(ifVersion) : putCondition(ifVersion)
  return { id, value, condition, fingerprint: null }
}

function putCondition(ifVersion: IfVersion): number | null {
  if (ifVersion === undefined) return null
  if (ifVersion === 'any') return PRESENT
  return ifVersion < 0 ? NEVER : ifVersion
}

/** A delete needs an item, whatever else it expects. */
function deleteCondition(ifVersion: IfVersion): number {
  return putCondition(ifVersion === 0 ? NEVER : (ifVersion ?? 'any')) as number
}

/**
 * Writes rows of different ids in one statement, in the order of their ids, and resolves to what was written by id; an
 * id without an entry was refused. Throws as `Session.query`.
 */
export async function writeRows(session: Session, writes: readonly Write[]): Promise<Map<string, Written>> {
  // JavaScript's order of UTF-16 units is the byte order, because ids are ASCII.
  const sorted = writes.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const rows = await session.query(write, [
    idArray(sorted.map(({ id }) => id)),
    textArray(sorted.map(({ value }) => value)),
    bigintArray(sorted.map(({ condition }) => condition)),
    textArray(sorted.map(({ fingerprint }) => fingerprint)),
    sorted.every(({ condition }) => condition === null),
  ])
  return new Map(
    rows.map((row) => {
      const [id, version, created, createdAtMs, updatedAtMs] = row as [
        string,
        number,
        boolean,
        number,
        number,
      ]
      return [id, { ok: true, version, created, createdAtMs, updatedAtMs }]
    }),
  )
}

/** What the refused ones met, by id: as it is now, which may be later than the refusal. Throws as `Session.query`. */
export async function readMet(session: Session, ids: readonly string[]): Promise<Map<string, Met>> {
  const rows = await session.query(readRefused, [idArray(ids)])
  const met = new Map(ids.map((id): [string, Met] => [id, nothing]))
  for (const row of rows) {
    const [id, version, deleted, fingerprint, createdAtMs] = row as [
      string,
      number,
      boolean,
      string | null,
      number,
    ]
    met.set(id, {
      ok: false,
      currentVersion: deleted ? 0 : version,
      existed: true,
      fingerprint: fingerprint ?? undefined,
      createdAtMs,
    })
  }
  return met
}

const nothing: Met = { ok: false, currentVersion: 0, existed: false, fingerprint: undefined, createdAtMs: 0 }

/** Whether a write would be refused by what it met. If not, the state has changed since, and it has to be tried again. */
export function isRefusedBy({ condition }: Write, { currentVersion, existed }: Met): boolean {
  if (condition === null) return false
  if (condition === NEVER_EXISTED) return existed
  if (condition === PRESENT) return currentVersion === 0
  return condition !== currentVersion
}
