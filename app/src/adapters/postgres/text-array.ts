/** The object identifier of `text` in PostgreSQL's catalogue (pg_type.dat). */
const TEXT_OID = 25
const HEADER_BYTES = 20
const NULL_LENGTH = -1

/**
 * A `text[]` in PostgreSQL's binary format (array_recv in utils/adt/arrayfuncs.c): nothing has to be escaped here or
 * unescaped there, which is most of the cost of a value that is full of quotation marks.
 */
export function textArray(texts: readonly (string | null)[]): Buffer {
  const lengths = texts.map((text) => (text === null ? 0 : Buffer.byteLength(text)))
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, HEADER_BYTES))
  bytes.writeInt32BE(1, 0) // dimensions
  bytes.writeInt32BE(texts.includes(null) ? 1 : 0, 4)
  bytes.writeInt32BE(TEXT_OID, 8)
  bytes.writeInt32BE(texts.length, 12)
  bytes.writeInt32BE(1, 16) // lower bound
  let at = HEADER_BYTES
  for (const [index, text] of texts.entries()) {
    const length = text === null ? NULL_LENGTH : (lengths[index] as number)
    at = bytes.writeInt32BE(length, at)
    if (text !== null) at += bytes.write(text, at)
  }
  return bytes
}

/** A `text[]` of ids, in text format: their alphabet has nothing to escape. Quoted, because an id may be `null`. */
export function idArray(ids: readonly string[]): string {
  return ids.length === 0 ? '{}' : `{"${ids.join('","')}"}`
}

/** A `bigint[]` in text format. */
export function bigintArray(numbers: readonly (number | null)[]): string {
  return `{${numbers.map((number) => number ?? 'null').join(',')}}`
}
