import { randomInt } from 'node:crypto'
import { getItem, putItem } from '../item-requests.ts'
import type { Request } from '../raw-http.ts'
import type { Workload } from '../workloads.ts'

export const DATABASE_WORKLOAD_NAMES = ['get', 'put', 'mix'] as const
export type DatabaseWorkloadName = (typeof DATABASE_WORKLOAD_NAMES)[number]

/** Every this many requests of the mix, one is a PUT. */
export const MIX_PUT_EVERY = 10

/** Ids are numbers of one length, so that `pgbench`, which has no other random texts, can choose them too. */
export const FIRST_ID = 10_000_000

/** More would only take memory: at 50,000/s for two seconds none comes twice. */
const REQUESTS_MAX = 100_000

export function itemId(index: number): string {
  return String(FIRST_ID + index)
}

/** All values have one length. */
export function itemValue(id: string): string {
  return `{"name":"item ${id}","tags":["small","json"],"count":${id},"active":true}`
}

/**
 * Inserts `items` items into an empty table, in random order, as clients would: a page of a list is then spread over
 * as many pages of the table.
 */
export function fillSql(items: number): string {
  const value = itemValue("' || id || '")
  return `
    insert into data (id, value, version, updated_at)
    select id, '${value}', 1, clock_timestamp()
    from (select (${FIRST_ID} + n)::text as id from generate_series(0, ${items - 1}) as n order by random()) as ids`
}

/** Requests for different items that exist, in random order. */
export function databaseWorkload(name: DatabaseWorkloadName, items: number): Workload {
  const requests = chosen(items).map((index, n) => {
    const isPut = name === 'put' || (name === 'mix' && n % MIX_PUT_EVERY === 0)
    return isPut ? put(itemId(index)) : getItem(itemId(index))
  })
  return { name, requests, status: 200 }
}

export function put(id: string): Request {
  return putItem(id, itemValue(id))
}

/** Indexes of items, none twice. */
function chosen(items: number): number[] {
  if (items > REQUESTS_MAX) {
    const indexes = new Set<number>()
    while (indexes.size < REQUESTS_MAX) indexes.add(randomInt(items))
    return [...indexes]
  }
  const indexes = Array.from({ length: items }, (_, index) => index)
  for (let left = items; left > 1; left -= 1) {
    const other = randomInt(left)
    const last = left - 1
    ;[indexes[last], indexes[other]] = [indexes[other] as number, indexes[last] as number]
  }
  return indexes
}
