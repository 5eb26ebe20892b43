import { isObjectText, objectMembers } from './json-text.ts'

/**
 * JSON Merge Patch (RFC 7396, section 2) on texts, so that what the patch does not touch keeps every digit and its
 * order. Both texts must be valid JSON of at most `VALUE_LEVELS_MAX` levels. The result has one member per name.
 */
export function mergePatch(target: string | undefined, patch: string): string {
  if (!isObjectText(patch)) return patch
  const members =
    target !== undefined && isObjectText(target) ? objectMembers(target) : new Map<string, string>()
  for (const [name, change] of objectMembers(patch)) {
    if (change === 'null') members.delete(name)
    else members.set(name, mergePatch(members.get(name), change))
  }
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`
}
