import assert from 'node:assert/strict'
import type { Answer } from '../raw-answer.ts'
import type { BatchWrite, Shot, Write } from './shot.ts'

export interface Known {
  /** Undefined when the id was deleted. */
  readonly value: string | undefined
  readonly version: number
}

/** What the service has accepted, and so must hold in the end: nothing less, and nothing more. */
export interface Accepted {
  /** Takes a 2xx answer to a shot. Throws when it is not what the shot asked for. */
  take(shot: Shot, answer: Answer): void
  readonly items: ReadonlyMap<string, Known>
}

const ITEM = /^\{"id":"([^"]+)","value":(.*),"version":(\d+),"createdAt":"[^"]+","updatedAt":"[^"]+"\}$/s

export interface ItemText {
  readonly id: string
  readonly value: string
  readonly version: number
}

/** An item's parts, its value as text; undefined when the text is no item. */
export function parseItem(text: string): ItemText | undefined {
  const [, id, value, version] = ITEM.exec(text) ?? []
  return id === undefined || value === undefined ? undefined : { id, value, version: Number(version) }
}

export function createAccepted(): Accepted {
  const items = new Map<string, Known>()

  function set(id: string, value: string | undefined, version?: number): void {
    const next = (items.get(id)?.version ?? 0) + 1
    if (version !== undefined) assert.equal(version, next, `the version of ${id}`)
    items.set(id, { value, version: next })
  }

  function takeItem(write: Write & { type: 'item' }, answer: Answer): void {
    const item = parseItem(answer.body.toString())
    const isKnown = write.id !== undefined || write.value !== undefined
    // A broken message may have become another one, which reads.
    if (item === undefined) {
      assert.ok(!isKnown, `not an item: ${answer.body}`)
      return
    }
    const { id, value, version } = item
    if (write.id !== undefined) assert.equal(id, write.id)
    if (write.value !== undefined) assert.equal(value, write.value)
    const known = items.get(id)
    // The answer to a repeated Idempotency-Key is the first one again.
    if (version === 1 && known !== undefined) assert.equal(value, known.value, `the first answer for ${id}`)
    else set(id, value, version)
  }

  function takeBatch(operations: readonly BatchWrite[], answer: Answer): void {
    const { results } = JSON.parse(answer.body.toString()) as { results: { id: string; version: number }[] }
    assert.deepEqual(
      results.map(({ id }) => id),
      operations.map(({ id }) => id),
    )
    for (const [n, { id, value }] of operations.entries()) set(id, value, results[n]?.version)
  }

  return {
    items,
    take({ write, method }, answer) {
      if (method === 'GET' || method === 'HEAD') return
      assert.ok(write !== undefined, `accepted with ${answer.status}: ${answer.body}`)
      if (write.type === 'delete') set(write.id, undefined)
      else if (write.type === 'batch') takeBatch(write.operations, answer)
      else takeItem(write, answer)
    },
  }
}
