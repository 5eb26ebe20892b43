import type { IncomingHttpHeaders } from 'node:http'
import { invalidField } from '../domain/errors.ts'
import type { IfVersion } from '../domain/item.ts'

/** Conditional requests (RFC 9110, section 13): an item's strong ETag is its version in quotes. */

export function etagOf(version: number): string {
  return `"${version}"`
}

/** Whether an `If-None-Match` on a read names `version`: a weak comparison, so `W/"3"` matches version 3. */
export function isNotModified(ifNoneMatch: string | undefined, version: number): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === etagOf(version)) return true
  const tags = entityTags('If-None-Match', ifNoneMatch)
  return tags === '*' || tags.some((tag) => tag.replace(/^W\//, '') === etagOf(version))
}

/** A version that no item has: what is to match it is always refused. */
const NO_VERSION = -1

/**
 * What the headers of a write expect: `If-None-Match: *` an absent id, `If-Match` a present one or a version.
 * `If-Match` may list several tags; at most one of them can be current, and `currentVersion` is asked which.
 * Throws `invalid_field` for anything that is not a list of entity tags.
 */
export async function ifVersionOf(
  headers: IncomingHttpHeaders,
  currentVersion: () => Promise<number>,
): Promise<IfVersion> {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw invalidField('/If-None-Match', 'Expected either If-Match or If-None-Match, not both.')
  }
  if (ifMatch === undefined) {
    if (ifNoneMatch?.trim() === '*') return 0
    throw invalidField('/If-None-Match', 'Expected * on a write: only creation can be asked for.')
  }
  const tags = entityTags('If-Match', ifMatch)
  if (tags === '*') return 'any'
  const versions = tags.map(versionOf)
  if (versions.length === 1) return versions[0]
  const current = await currentVersion()
  return versions.includes(current) ? current : NO_VERSION
}

/** A weak tag, or one that this service never gave, matches no version. */
function versionOf(tag: string): number {
  const digits = /^"([1-9]\d{0,15})"$/.exec(tag)?.[1]
  return digits === undefined ? NO_VERSION : Number(digits)
}

/** One entity tag, which may hold a comma, and what separates it from the next; empty elements are no fault. */
const ENTITY_TAG = /((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:(?:,[ \t]*)+|$)/y

function entityTags(name: string, header: string): '*' | string[] {
  const text = header.trim()
  if (text === '*') return '*'
  const tags: string[] = []
  ENTITY_TAG.lastIndex = 0
  for (let end = 0; end === 0 || end < text.length; end = ENTITY_TAG.lastIndex) {
    const tag = ENTITY_TAG.exec(text)?.[1]
    if (tag === undefined) {
      throw invalidField(`/${name}`, `Expected * or entity tags in double quotes, as in ${name}: "3".`)
    }
    tags.push(tag)
  }
  return tags
}
