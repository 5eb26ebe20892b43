import type { Operation, Sight, Write } from '../history/history.ts'
import type { HttpAnswer } from './exchange.ts'
import type { Asked, Told } from './recorder.ts'

type Condition = Write['condition']

/** `by` tells this write's value from all others; `since` is what a patch leaves as it is. */
function freshValue(by: string): { by: string; since: string } {
  return { by, since: by }
}

function headersOf(condition: Condition): Record<string, string> {
  if (condition === undefined) return {}
  if (condition === 0) return { 'if-none-match': '*' }
  return { 'if-match': condition === 'present' ? '*' : `"${condition}"` }
}

export function put(id: string, by: string, condition: Condition): Asked {
  const write: Write = { id, op: 'put', by, condition, version: undefined }
  const kind = condition === undefined ? 'PUT' : condition === 0 ? 'PUT if absent' : 'PUT if unchanged'
  const body = JSON.stringify(freshValue(by))
  return {
    request: { method: 'PUT', path: `/data/${id}`, headers: headersOf(condition), body },
    meaning: { kind, writes: [write], tell: (answer) => toldOfItem(answer, write) },
  }
}

const PATCH_ATTEMPTS_MAX = 8

/** Leaves `since` as it is, so that the result says what it was merged into. */
export function patch(id: string, by: string, condition: Condition = 'present'): Asked {
  const write: Write = { id, op: 'put', by, condition, version: undefined }
  const headers = condition === 'present' ? {} : headersOf(condition)
  return {
    request: { method: 'PATCH', path: `/data/${id}`, headers, body: JSON.stringify({ by }) },
    meaning: {
      kind: 'PATCH',
      writes: [write],
      tell: (answer) =>
        answer.status === 409
          ? { lostRaces: { id, changes: PATCH_ATTEMPTS_MAX } }
          : toldOfItem(answer, write),
    },
  }
}

export function remove(id: string, condition: Condition): Asked {
  const write: Write = { id, op: 'delete', by: undefined, condition, version: undefined }
  return {
    request: { method: 'DELETE', path: `/data/${id}`, headers: headersOf(condition) },
    meaning: {
      kind: condition === undefined ? 'DELETE' : 'DELETE if unchanged',
      writes: [write],
      // It is answered without the version that it made, which its condition tells.
      tell: (answer) =>
        answer.status !== 204
          ? { sights: [absentOr(id, answer)] }
          : typeof condition === 'number'
            ? { writes: [{ ...write, version: condition + 1 }] }
            : {},
    },
  }
}

/** Of one write: what it made, or what refused it. */
function toldOfItem(answer: HttpAnswer, write: Write): Told {
  if (answer.status >= 300) return { sights: [absentOr(write.id, answer)] }
  const { id, version, value } = answer.json
  return { writes: [{ ...write, id, version }], sights: [{ id, version, value }] }
}

function absentOr(id: string, { json }: HttpAnswer): Sight {
  return versionOf(id, json.currentVersion ?? 0)
}

function versionOf(id: string, version: number): Sight {
  return { id, version, value: undefined }
}

export interface BatchPart {
  readonly op: 'put' | 'delete'
  readonly id: string
  readonly condition: number | undefined
}

export function batch(parts: readonly BatchPart[], by: string): Asked {
  const writes = parts.map(
    ({ op, id, condition }): Write => ({
      op,
      id,
      by: op === 'put' ? by : undefined,
      condition,
      version: undefined,
    }),
  )
  const operations = parts.map(({ op, id, condition }) => ({
    op,
    id,
    ...(op === 'put' ? { value: freshValue(by) } : {}),
    ...(condition === undefined ? {} : { ifVersion: condition }),
  }))
  return {
    request: { method: 'POST', path: '/batch', body: JSON.stringify({ operations }) },
    meaning: { kind: 'POST /batch', writes, tell: (answer) => toldOfBatch(answer, writes) },
  }
}

interface BatchError {
  readonly pointer: string
  readonly detail: string
}

function toldOfBatch({ status, json }: HttpAnswer, writes: readonly Write[]): Told {
  if (status === 200) {
    return { writes: writes.map((write, index) => ({ ...write, version: json.results[index].version })) }
  }
  return {
    sights: json.errors.map(({ pointer, detail }: BatchError) => {
      const { id = '' } = writes[Number(pointer.split('/').at(-1))] ?? {}
      return versionOf(id, Number(/current version is (\d+)/.exec(detail)?.[1] ?? 0))
    }),
  }
}

/** The server chooses the id: what it is for `key` is known when one of the tries has been answered. */
export function create(key: string, by: string): Asked {
  const headers = { 'idempotency-key': key }
  return {
    request: { method: 'POST', path: '/data', headers, body: JSON.stringify(freshValue(by)) },
    meaning: { kind: 'POST /data', writes: [] },
  }
}

/** What all tries together did: one item was created, at some time between the first of them and the answer. */
export function creation(tries: Operation, { json }: HttpAnswer, by: string): Operation {
  const { id, version, value } = json
  return {
    ...tries,
    writes: [{ id, op: 'put', by, condition: 0, version }],
    sights: [{ id, version, value }],
  }
}

export function get(id: string, readsStore: boolean): Asked {
  return {
    request: {
      method: 'GET',
      path: `/data/${id}`,
      headers: readsStore ? { 'cache-control': 'no-cache' } : {},
    },
    meaning: {
      kind: readsStore ? 'GET with no-cache' : 'GET',
      tell: ({ status, json, cacheStatus }) => ({
        sights: [status === 404 ? versionOf(id, 0) : { id, version: json.version, value: json.value }],
        cached: readsStore || cacheStatus === '' ? undefined : { isStale: /detail=stale/.test(cacheStatus) },
      }),
    },
  }
}

/** A page that holds all of `expected` that is there: what is not on it is absent. */
export function list(prefix: string, expected: readonly string[]): Asked {
  return {
    request: { method: 'GET', path: `/data?prefix=${prefix}&limit=1000` },
    meaning: {
      kind: 'GET /data',
      tell({ json }) {
        const found = new Map<string, Sight>(
          json.items.map(({ id, version, value }: Sight) => [id, { id, version, value }]),
        )
        const absent = expected.filter((id) => !found.has(id)).map((id) => versionOf(id, 0))
        return { sights: [...found.values(), ...absent] }
      },
    },
  }
}
