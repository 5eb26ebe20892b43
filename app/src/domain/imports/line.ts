import { AppError, type ErrorCode } from '../errors.ts'
import { ID_EXPECTED, isId, VALUE_BYTES_MAX } from '../item.ts'
import { checkLevels } from '../json-text.ts'

/** A good line of an import: an item, its value as JSON text. */
export interface ImportLine {
  /** From 1. */
  readonly line: number
  readonly id: string
  readonly value: string
}

/** Why a line is none. */
export interface LineFault {
  readonly line: number
  readonly code: ErrorCode
  readonly detail: string
}

export interface LineSink {
  line(line: ImportLine): void
  fault(fault: LineFault): void
}

/** Finds lines in bytes as they come, cut anywhere. What is wrong with a line is a fault of it alone; nothing throws. */
export interface LineReader {
  push(bytes: Uint8Array): void
  /** The last line may lack its line break. */
  end(): void
  /** Nothing of the body can be read: one fault says why. */
  readonly isUnusable: boolean
}

/** An id, the largest value and what is around them. */
export const LINE_BYTES_MAX = VALUE_BYTES_MAX + 2048

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws `invalid_json` for what is not UTF-8. */
export function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new AppError('invalid_json', 'Expected valid UTF-8.')
  }
}

/** Throws `invalid_field` or `too_large`. `value` is valid JSON text. */
export function checkItem(id: unknown, value: string): asserts id is string {
  if (typeof id !== 'string' || !isId(id)) {
    throw new AppError('invalid_field', `id: expected ${ID_EXPECTED}.`)
  }
  // A unit of UTF-16 has three bytes at most.
  if (value.length * 3 > VALUE_BYTES_MAX && Buffer.byteLength(value) > VALUE_BYTES_MAX) {
    throw new AppError('too_large', `value: expected at most ${VALUE_BYTES_MAX} bytes.`)
  }
  checkLevels(value, '/value')
}

export function faultOf(line: number, error: unknown): LineFault {
  if (!(error instanceof AppError)) throw error
  return { line, code: error.code, detail: error.message }
}

/** A name of the client's as a fault may tell it: cut, and with NUL escaped, which PostgreSQL's texts cannot hold. */
export function told(name: string): string {
  return JSON.stringify(name.slice(0, 50))
}

/** The mark that some programs put before UTF-8. */
export const BYTE_ORDER_MARK = '\uFEFF'
