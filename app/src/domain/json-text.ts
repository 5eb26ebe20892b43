import { AppError } from './errors.ts'
import { VALUE_LEVELS_MAX } from './item.ts'

/**
 * JSON as text. Values are never parsed and written again, because that loses digits (1.0, 1e400,
 * 20-digit integers), duplicate names and the order of names that look like integers. JSON.parse is the judge of
 * the grammar (RFC 8259); once it has accepted a text, the slicing below only has to find where things end.
 */

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_BRACKET = 91
const BACKSLASH = 92
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** Parses `text` once for its grammar. Throws `invalid_json` with the parser's position, never its content. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AppError(
      'invalid_json',
      `The body is not valid JSON (RFC 8259)${placeOf(error as SyntaxError)}.`,
    )
  }
}

/** Where V8 says that the fault is, when it says so; what it quotes of the text is left out. */
function placeOf({ message }: SyntaxError): string {
  if (message.startsWith('Unexpected end')) return ': it ends too early'
  const position = / JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1]
  return position === undefined ? '' : `: the first fault is at character ${position}`
}

/** Accepts any JSON text of at most `VALUE_LEVELS_MAX` levels. Throws `invalid_json`, or `invalid_field` when deeper. */
export function checkValueText(text: string): void {
  parseJson(text)
  checkLevels(text, '')
}

/** Throws `invalid_field` at `pointer` when the valid JSON `text` nests deeper than `VALUE_LEVELS_MAX`. */
export function checkLevels(text: string, pointer: string): void {
  // n levels need n opening and n closing characters, so most texts are judged by their length alone.
  if (text.length <= 2 * VALUE_LEVELS_MAX || levels(text) <= VALUE_LEVELS_MAX) return
  const detail = `Expected at most ${VALUE_LEVELS_MAX} levels of nesting.`
  throw new AppError('invalid_field', detail, { errors: [{ pointer, code: 'invalid_field', detail }] })
}

/** The deepest nesting of arrays and objects in valid JSON text; a scalar has none. */
function levels(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at) - 1
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) deepest = Math.max(deepest, ++depth)
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--
  }
  return deepest
}

/** Whether valid JSON text is an object. */
export function isObjectText(text: string): boolean {
  return text.charCodeAt(skipSpace(text, 0)) === OPEN_BRACE
}

/** The members of a valid JSON object: each name with its value's text. A repeated name keeps its first place and last value. */
export function objectMembers(text: string): Map<string, string> {
  return new Map(objectEntries(text))
}

/** The members of a valid JSON object as they come, repeated names too. */
export function objectEntries(text: string): [name: string, value: string][] {
  const entries: [string, string][] = []
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const nameEnd = stringEnd(text, at)
    const name = JSON.parse(text.slice(at, nameEnd)) as string
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const end = valueEnd(text, start)
    entries.push([name, text.slice(start, end)])
    at = skipComma(text, end)
  }
  return entries
}

/** The elements of a valid JSON array, each as its text. */
export function arrayElements(text: string): string[] {
  const elements: string[] = []
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = valueEnd(text, at)
    elements.push(text.slice(at, end))
    at = skipComma(text, end)
  }
  return elements
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) <= 32) at++
  return at
}

function skipComma(text: string, from: number): number {
  const at = skipSpace(text, from)
  return text.charCodeAt(at) === COMMA ? skipSpace(text, at + 1) : at
}

/** The index after the string whose opening quote is at `from`. */
function stringEnd(text: string, from: number): number {
  let at = from + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    let escapes = quote - 1
    while (text.charCodeAt(escapes) === BACKSLASH) escapes--
    // An even number of backslashes escape each other, not the quote.
    if ((quote - escapes) % 2 === 1) return quote + 1
    at = quote + 1
  }
}

/** The index after the value that starts at `from`. */
function valueEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(text, at) - 1
      if (depth === 0) return at + 1
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (depth === 0 && (code === COMMA || code === COLON || code <= 32)) return at
  }
  return text.length
}
