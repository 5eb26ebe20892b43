import { AppError } from '../errors.ts'
import { type Header, headerOf, itemOf } from './csv-items.ts'
import { decode, faultOf, LINE_BYTES_MAX, type LineReader, type LineSink } from './line.ts'

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const QUOTE = 34
const COMMA = 44
const MARK = [0xef, 0xbb, 0xbf]

/**
 * Where in a record the next byte is. `closed`: behind a quote that ends a field, or is the first of two. `broken`: behind
 * what no record may hold; it is over at the next line break.
 */
type State = 'fieldStart' | 'plain' | 'quoted' | 'closed' | 'return' | 'broken'

/**
 * Comma-separated values (RFC 4180) in UTF-8 with a header, which is line 1: `id` and either `value`, which is JSON text,
 * or columns that become an object of strings. A record is at the line on which it begins.
 */
export function createCsvReader(sink: LineSink): LineReader {
  let state: State = 'fieldStart'
  let line = 1
  let beginsAt = 1
  let header: Header | undefined
  let isUnusable = false
  let fields: string[] = []
  let fault: unknown
  /** Of the field that has not ended: its bytes, without its quotes. */
  let kept: Uint8Array[] = []
  /** With its commas: a record of nothing else is bounded too. */
  let recordBytes = 0
  const behindMark = skipsMark()

  function count(bytes: number): void {
    recordBytes += bytes
    if (recordBytes <= LINE_BYTES_MAX) return
    fields = []
    kept = []
    fault ??= new AppError('too_large', `Expected a record of at most ${LINE_BYTES_MAX} bytes.`)
  }

  function keep(bytes: Uint8Array): void {
    count(bytes.length)
    if (bytes.length > 0 && fault === undefined && !isUnusable) kept.push(bytes)
  }

  function endField(): void {
    if (fault !== undefined || isUnusable) return
    try {
      if (kept.length === 0) fields.push('')
      else fields.push(decode(kept.length === 1 ? (kept[0] as Uint8Array) : Buffer.concat(kept)))
    } catch (error) {
      fault = error
    }
    kept = []
  }

  function endRecord(): void {
    if (state !== 'broken') endField()
    const isEmpty = fault === undefined && fields.length === 1 && fields[0] === ''
    if (!isUnusable && !(isEmpty && header !== undefined)) take()
    fields = []
    kept = []
    fault = undefined
    recordBytes = 0
    beginsAt = line
    state = 'fieldStart'
  }

  function take(): void {
    try {
      if (fault !== undefined) throw fault
      if (header === undefined) header = headerOf(fields)
      else sink.line({ line: beginsAt, ...itemOf(header, fields) })
    } catch (error) {
      sink.fault(faultOf(beginsAt, error))
      isUnusable ||= header === undefined
    }
  }

  function broken(detail: string): State {
    fault ??= new AppError('invalid_field', detail)
    return 'broken'
  }

  /** The state behind a byte; `undefined` when the byte is the field's own and stays as it is. */
  function step(byte: number): State | undefined {
    if (state === 'quoted') return byte === QUOTE ? 'closed' : undefined
    if (state === 'broken') return undefined
    if (state === 'return') return broken('Expected a line feed behind a carriage return.')
    if (byte === COMMA) return 'fieldStart'
    if (byte === CARRIAGE_RETURN) return 'return'
    if (state === 'closed') {
      return byte === QUOTE ? 'quoted' : broken('Expected a comma or a line break behind a quoted field.')
    }
    if (byte === QUOTE) {
      return state === 'fieldStart' ? 'quoted' : broken('Expected quotes around the whole of a field.')
    }
    state = 'plain'
    return undefined
  }

  function push(piece: Uint8Array): void {
    const bytes = behindMark(piece)
    let from = 0
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === LINE_FEED) {
        line++
        if (state === 'quoted') continue
        if (state !== 'return' && state !== 'closed') keep(bytes.subarray(from, at))
        endRecord()
        from = at + 1
        continue
      }
      const before = state
      const after = step(byte)
      if (after === undefined) continue
      // A quote behind a closing one stands for itself.
      const isDoubled = before === 'closed' && after === 'quoted'
      if (!isDoubled && at > from) keep(bytes.subarray(from, at))
      from = isDoubled ? at : at + 1
      if (after === 'fieldStart') {
        count(1)
        endField()
      }
      state = after
    }
    if (state !== 'closed' && state !== 'return') keep(bytes.subarray(from))
  }

  return {
    push,
    end() {
      if (state === 'quoted') fault ??= new AppError('invalid_field', 'Expected a closing quote.')
      if (recordBytes > 0 || fields.length > 0 || state !== 'fieldStart') endRecord()
      if (header === undefined && !isUnusable) {
        isUnusable = true
        sink.fault({ line: 1, code: 'invalid_field', detail: 'Expected a header with the column id.' })
      }
    },
    get isUnusable() {
      return isUnusable
    },
  }
}

/** Takes the byte order mark from the beginning, however that is cut: the first field may be in quotes behind it. */
function skipsMark(): (bytes: Uint8Array) => Uint8Array {
  let seen = 0
  return (bytes) => {
    if (seen === MARK.length) return bytes
    let at = 0
    while (seen < MARK.length && at < bytes.length && bytes[at] === MARK[seen]) {
      at++
      seen++
    }
    const rest = bytes.subarray(at)
    if (seen === MARK.length || rest.length === 0) return rest
    const begun = MARK.slice(0, seen)
    seen = MARK.length
    return begun.length === 0 ? rest : Buffer.concat([Buffer.from(begun), rest])
  }
}
