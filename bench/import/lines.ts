import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { itemId, itemValue } from '../postgres/key-space.ts'

/** What an import is made of: `count` items from that of index `from` on. */
export interface Lines {
  readonly from: number
  readonly count: number
  readonly format?: 'ndjson' | 'csv'
  /** Every this many lines, one is bad in place of an item. */
  readonly badEvery?: number
  /** The value of an item, as JSON text. */
  readonly value?: (id: string) => string
}

const LINES_AT_ONCE = 1_000

/** Each is bad in a way of its own. */
const badLines: readonly ((id: string) => string)[] = [
  (id) => `{"id":"${id}","value":`,
  (id) => `{"id":"${id}"}`,
  (id) => `{"id":"no/${id}","value":1}`,
]

function isBad({ badEvery }: Pick<Lines, 'badEvery'>, index: number): boolean {
  return badEvery !== undefined && (index + 1) % badEvery === 0
}

/** The numbers of the bad lines, from 1, in order. */
export function badLineNumbers(lines: Lines): number[] {
  const indexes = Array.from({ length: lines.count }, (_, index) => index)
  return indexes.filter((index) => isBad(lines, index)).map((index) => index + 1)
}

/** The body of an import, in pieces of many lines. */
export function* bodyOf(lines: Lines): Generator<string> {
  const { from, count, format = 'ndjson' } = lines
  if (format === 'csv') yield 'id,value\n'
  for (let start = 0; start < count; start += LINES_AT_ONCE) {
    const length = Math.min(LINES_AT_ONCE, count - start)
    yield Array.from({ length }, (_, n) => lineOf(lines, from, start + n)).join('')
  }
}

function lineOf(lines: Lines, from: number, index: number): string {
  const { format = 'ndjson', value = itemValue } = lines
  const id = itemId(from + index)
  if (format === 'csv') return `${id},"${value(id).replaceAll('"', '""')}"\n`
  const bad = isBad(lines, index) ? badLines[index % badLines.length] : undefined
  return `${bad?.(id) ?? `{"id":"${id}","value":${value(id)}}`}\n`
}

/** The items as `COPY` reads them. */
export function* rowsOf({ from, count, value = itemValue }: Lines): Generator<string> {
  for (let start = 0; start < count; start += LINES_AT_ONCE) {
    const ids = Array.from({ length: Math.min(LINES_AT_ONCE, count - start) }, (_, n) =>
      itemId(from + start + n),
    )
    yield ids.map((id) => `${id}\t${value(id)}\n`).join('')
  }
}

export async function writeTo(file: string, pieces: Iterable<string>): Promise<void> {
  const stream = createWriteStream(file)
  for (const piece of pieces) {
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve))
  }
  stream.end()
  await finished(stream)
}
