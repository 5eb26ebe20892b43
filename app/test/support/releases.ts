import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, textOf } from './repository.ts'

/** A release as app/migrations/released.json has it. */
export interface Release {
  readonly version: string
  readonly commit: string
  /** The SHA-256 of every migration that it has, by the file's name. */
  readonly migrations: Readonly<Record<string, string>>
}

/** The oldest first. */
export const releases: readonly Release[] = Object.entries(
  JSON.parse(textOf('app/migrations/released.json')) as Record<string, Omit<Release, 'version'>>,
).map(([version, release]) => ({ version, ...release }))

export interface Tree extends Disposable {
  readonly path: string
}

/** The files of a release, with today's packages. Throws, with what to do, when this clone does not have its commit. */
export function treeOf({ version, commit }: Release): Tree {
  let archive: Buffer
  try {
    archive = execFileSync('git', ['archive', '--format=tar', commit], {
      cwd: root,
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (cause) {
    throw new Error(
      `the commit ${commit} of release ${version} is not here: run \`git fetch --unshallow\` in a whole clone`,
      { cause },
    )
  }
  const path = mkdtempSync(join(tmpdir(), `release-${version}-`))
  execFileSync('tar', ['-x', '-C', path], { input: archive })
  for (const modules of ['node_modules', 'app/node_modules'])
    symlinkSync(join(root, modules), join(path, modules))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}
