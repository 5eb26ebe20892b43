import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * The paths of the files that are ours, from the root: committed or not, but not what `.gitignore` names. Works also
 * where there is no `.git`, or where it belongs to another user.
 */
export const ownFiles: readonly string[] = execFileSync(
  'git',
  ['grep', '--no-index', '--exclude-standard', '--files-with-matches', '-z', '-e', ''],
  { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
)
  .split('\0')
  .filter((path) => path !== '')
  .sort()

/** Those of our files whose names end in one of these. */
export function filesNamed(...endings: readonly string[]): string[] {
  return ownFiles.filter((path) => endings.some((ending) => basename(path).endsWith(ending)))
}

export function textOf(path: string): string {
  return readFileSync(root + path, 'utf8')
}

export interface Match {
  /** `path:line`, to be clicked on. */
  readonly place: string
  /** What matched, and then the pattern's groups. */
  readonly groups: readonly (string | undefined)[]
}

/** Every match of a global pattern in a file. */
export function matchesIn(path: string, pattern: RegExp): Match[] {
  const text = textOf(path)
  return [...text.matchAll(pattern)].map((match) => ({
    place: `${path}:${text.slice(0, match.index).split('\n').length}`,
    groups: [...match],
  }))
}
