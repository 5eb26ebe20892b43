import type { ImportText } from '../../app/test/support/work/upload.ts'
import { itemId } from '../postgres/key-space.ts'
import type { Database } from '../postgres/server.ts'
import { badLineNumbers, type Lines } from './lines.ts'

/** As many errors as an import tells. */
const TOLD_MAX = 1_000

/** What an import into an empty range of ids has left in the database. */
export interface Effects {
  readonly items: number
  readonly itemsOfVersion1: number
  readonly changes: number
  readonly idsInFeed: number
}

/** Once all changes are relayed. */
export async function effectsOf(database: Database, { from, count }: Lines): Promise<Effects> {
  await database.settled()
  const range = `id >= '${itemId(from)}' and id < '${itemId(from + count)}'`
  const [row] = await database.query(`
    select
      (select count(*) from data where ${range}),
      (select count(*) from data where ${range} and version = 1),
      (select count(*) from feed where ${range}),
      (select count(distinct id) from feed where ${range})`)
  const [items, itemsOfVersion1, changes, idsInFeed] = (row ?? []).map(Number)
  return { items, itemsOfVersion1, changes, idsInFeed } as Effects
}

/** In words, what has not taken effect exactly once. */
export function notOnce(found: ImportText, effects: Effects, lines: Lines): string[] {
  const bad = badLineNumbers(lines)
  const good = lines.count - bad.length
  const faults: string[] = []
  const expect = (what: string, figure: number, expected: number) => {
    if (figure !== expected) faults.push(`${what}: ${figure}, not ${expected}`)
  }
  expect('lines told as applied', found.lines.applied, good)
  expect('lines told as rejected', found.lines.rejected, bad.length)
  expect('items', effects.items, good)
  expect('items of version 1', effects.itemsOfVersion1, good)
  expect('changes in the feed', effects.changes, good)
  expect('ids in the feed', effects.idsInFeed, good)
  const told = found.errors.map(({ line }) => line)
  if (told.join() !== bad.slice(0, TOLD_MAX).join()) {
    faults.push(`the errors that are told are not the first ${TOLD_MAX} bad lines, each once`)
  }
  if (found.state !== 'succeeded') faults.push(`the import is ${found.state}`)
  return faults
}
