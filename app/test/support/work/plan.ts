import { CHUNK_LINES_MAX } from '../../../src/ports/imports.ts'
import type { Random } from '../random.ts'
import { type ImportText, lineOf } from './upload.ts'

/** An import, and what has to come of it. */
export interface Plan {
  readonly name: string
  readonly lines: readonly string[]
  readonly counts: ImportText['lines']
  /** Numbers of the lines that have to be reported. */
  readonly badLines: readonly number[]
  /** What each id is in the end, and how many chunks write it. */
  readonly items: ReadonlyMap<string, { readonly value: string; readonly versions: number }>
}

const BAD_SHARE = 0.02
const AGAIN_SHARE = 0.1
const BAD_LINES = ['no JSON\n', '{"id":"no-value"}\n', '{"id":"not an id","value":1}\n', '[]\n']

/** Of so many lines, of ids that no other plan has; one of each chunk begins with `slow-`. */
export function planImport(random: Random, name: string, lines: number): Plan {
  const texts: string[] = []
  const badLines: number[] = []
  const chunks: Map<string, string>[] = []
  const ids: string[] = []
  for (let line = 1; line <= lines; line++) {
    const chunkAt = Math.floor((line - 1) / CHUNK_LINES_MAX)
    const isFirst = (line - 1) % CHUNK_LINES_MAX === 0
    if (!isFirst && random.chance(BAD_SHARE)) {
      texts.push(random.pick(BAD_LINES))
      badLines.push(line)
      continue
    }
    const isAgain = !isFirst && random.chance(AGAIN_SHARE)
    const id = isAgain ? random.pick(ids) : `${isFirst ? 'slow-' : ''}${name}-${line}`
    ids.push(id)
    texts.push(lineOf(id, `line ${line}`))
    const chunk = chunks[chunkAt] ?? new Map<string, string>()
    chunks[chunkAt] = chunk.set(id, `line ${line}`)
  }
  const items = new Map<string, { value: string; versions: number }>()
  for (const [id, value] of chunks.flatMap((chunk) => [...chunk])) {
    items.set(id, { value, versions: (items.get(id)?.versions ?? 0) + 1 })
  }
  const applied = chunks.reduce((sum, chunk) => sum + chunk.size, 0)
  const rejected = badLines.length
  const superseded = lines - rejected - applied
  return { name, lines: texts, counts: { total: lines, applied, rejected, superseded }, badLines, items }
}

/** What there is in the end. */
export interface Outcome {
  readonly text: ImportText
  /** Of each id, in the order of the feed. */
  readonly versions: ReadonlyMap<string, readonly number[]>
  /** Of each id. */
  readonly values: ReadonlyMap<string, unknown>
}

/** In what an import breaks the promise that each of its lines takes effect exactly once. */
export function violationsOf({ name, counts, badLines, items }: Plan, outcome: Outcome): string[] {
  const { text, versions, values } = outcome
  const found: string[] = []
  const expect = (what: string, actual: unknown, expected: unknown) => {
    const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (is !== should) found.push(`${name}: ${what}: ${is} instead of ${should}`)
  }
  expect('state', text.state, 'succeeded')
  expect('lines', text.lines, counts)
  expect(
    'errors',
    text.errors.map(({ line }) => line),
    badLines,
  )
  for (const [id, item] of items) {
    expect(`value of ${id}`, values.get(id), item.value)
    expect(
      `versions of ${id}`,
      versions.get(id),
      Array.from({ length: item.versions }, (_, n) => n + 1),
    )
  }
  return found
}
