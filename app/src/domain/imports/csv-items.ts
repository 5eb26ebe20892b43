import { AppError } from '../errors.ts'
import { parseJson } from '../json-text.ts'
import { checkItem, told } from './line.ts'

/** How the columns of CSV make an item: `id`, and either `value` or columns that become an object of strings. */
export interface Header {
  readonly columns: readonly string[]
  readonly idAt: number
  /** Of the column that is JSON text; undefined when the others become an object of strings. */
  readonly valueAt: number | undefined
}

/** Throws `invalid_field` for columns that make none. */
export function headerOf(columns: readonly string[]): Header {
  const names = new Set<string>()
  const doubled = columns.find((name) => names.size === names.add(name).size)
  if (doubled !== undefined) throw unusable(`no column twice, and ${told(doubled)} is`)
  if (columns.includes('')) throw unusable('every column to have a name')
  const [idAt, valueAt] = [columns.indexOf('id'), columns.indexOf('value')]
  if (idAt === -1) throw unusable('a column id')
  if (columns.length < 2) throw unusable('a column value, or others, beside id')
  if (valueAt !== -1 && columns.length > 2) throw unusable('no other column than id beside value')
  return { columns, idAt, valueAt: valueAt === -1 ? undefined : valueAt }
}

function unusable(expected: string): AppError {
  return new AppError('invalid_field', `The header: expected ${expected}.`)
}

/** The item of a record. Throws `invalid_field`, `invalid_json` or `too_large`. */
export function itemOf(
  { columns, idAt, valueAt }: Header,
  fields: readonly string[],
): { id: string; value: string } {
  if (fields.length !== columns.length) {
    throw new AppError(
      'invalid_field',
      `Expected ${columns.length} fields, as the header has, not ${fields.length}.`,
    )
  }
  const id = fields[idAt]
  const value =
    valueAt === undefined ? objectText(columns, fields, idAt) : jsonText(fields[valueAt] as string)
  checkItem(id, value)
  return { id, value }
}

function objectText(columns: readonly string[], fields: readonly string[], idAt: number): string {
  const members = columns.flatMap((name, at) =>
    at === idAt ? [] : [`${JSON.stringify(name)}:${JSON.stringify(fields[at])}`],
  )
  return `{${members.join(',')}}`
}

function jsonText(text: string): string {
  try {
    parseJson(text)
  } catch {
    throw new AppError('invalid_json', 'value: expected valid JSON (RFC 8259).')
  }
  return text
}
