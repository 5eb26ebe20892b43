import { AppError } from '../errors.ts'
import { isObjectText, objectEntries } from '../json-text.ts'
import {
  BYTE_ORDER_MARK,
  checkItem,
  decode,
  faultOf,
  LINE_BYTES_MAX,
  type LineReader,
  type LineSink,
  told,
} from './line.ts'

const LINE_FEED = 10

/**
 * Newline-delimited JSON: one `{"id","value"}` a line. A value's text is kept as it is. Empty lines count, and say
 * nothing.
 */
export function createNdjsonReader(sink: LineSink): LineReader {
  let line = 0
  /** The beginning of the line that has not ended. */
  let kept: Uint8Array[] = []
  let keptBytes = 0

  function keep(bytes: Uint8Array): void {
    keptBytes += bytes.length
    if (keptBytes > LINE_BYTES_MAX) kept = []
    else if (bytes.length > 0) kept.push(bytes)
  }

  function endLine(): void {
    line++
    const [first = new Uint8Array(), ...others] = kept
    const bytes = others.length === 0 ? first : Buffer.concat(kept)
    const isTooLong = keptBytes > LINE_BYTES_MAX
    kept = []
    keptBytes = 0
    try {
      if (isTooLong) throw new AppError('too_large', `Expected a line of at most ${LINE_BYTES_MAX} bytes.`)
      const text = decode(bytes)
      const content = line === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
      if (content.trim() !== '') sink.line({ line, ...itemOf(content) })
    } catch (error) {
      sink.fault(faultOf(line, error))
    }
  }

  return {
    push(bytes) {
      let from = 0
      for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
        keep(bytes.subarray(from, end))
        endLine()
        from = end + 1
      }
      keep(bytes.subarray(from))
    },
    end() {
      if (keptBytes > 0) endLine()
    },
    isUnusable: false,
  }
}

function itemOf(text: string): { id: string; value: string } {
  const parsed = parse(text)
  if (!isObjectText(text)) throw new AppError('invalid_json', 'Expected a JSON object.')
  for (const name of Object.keys(parsed)) {
    if (name !== 'id' && name !== 'value') {
      throw new AppError('invalid_field', `${told(name)}: expected no other member than id and value.`)
    }
  }
  const members = objectEntries(text)
  const value = members.find(([name]) => name === 'value')?.[1]
  if (value === undefined) throw new AppError('invalid_field', 'value: expected to be there.')
  // No other names are left, so a third member repeats one of the two.
  if (members.length > 2 && parsed.id !== undefined) {
    const isId = members.filter(([name]) => name === 'id').length > 1
    throw new AppError('invalid_field', `${isId ? 'id' : 'value'}: expected once.`)
  }
  checkItem(parsed.id, value)
  return { id: parsed.id, value }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('invalid_json', 'Expected valid JSON (RFC 8259).')
  }
}
