import { spawnSync } from 'node:child_process'
import { lchownSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure } from './component.ts'

/** A user that is not root, for programs that refuse to run as root. */
export interface Unprivileged {
  /** The command line of a program that is to run as this user. */
  command(program: string, ...args: readonly string[]): { command: string; args: string[] }
  /** Gives this user a file, or a folder with all that is in it. */
  own(path: string): void
}

/** `nobody` on Linux. */
const NOBODY = 65_534
const IN_NAMESPACE = ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`]

/**
 * Whoever runs this process, unless that is root. Root becomes the owner of `folder`, if there is one who is not root,
 * else nobody; or, where that user cannot reach the program or the folder because one like /root (mode 0700) is above
 * it, itself in a user namespace, in which it has another number. There too goes a user whose number has no name, as
 * in a container: PostgreSQL would not make a new database.
 */
export function unprivileged(folder: string, program: string): Unprivileged {
  const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const other = ownerOf(folder)
  const choices = [
    ...(me.uid === 0
      ? [{ ...other, prefix: ['setpriv', `--reuid=${other.uid}`, `--regid=${other.gid}`, '--clear-groups'] }]
      : [{ ...me, prefix: [] }]),
    { ...me, prefix: IN_NAMESPACE },
  ]
  const chosen = choices.find(({ prefix }) => serves(prefix, [program, dirname(folder)]))
  if (chosen === undefined) {
    throw new Failure(
      'PostgreSQL needs a user who is not root and has a name, and neither `setpriv` nor `unshare` can give it one ' +
        'here: start as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
      1,
    )
  }
  return {
    command(program, ...args) {
      const [command = '', ...rest] = [...chosen.prefix, program, ...args]
      return { command, args: rest }
    },
    own: (path) => changeOwner(path, chosen),
  }
}

/** Whether whoever the prefix makes of this process has a name, and reaches the paths. */
function serves(prefix: readonly string[], paths: readonly string[]): boolean {
  const probes = [['id', '-un'], ...paths.map((path) => ['test', '-x', path])]
  return probes.every((probe) => {
    const [command = '', ...args] = [...prefix, ...probe]
    return spawnSync(command, args, { stdio: 'ignore' }).status === 0
  })
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

function ownerOf(folder: string): Owner {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found === undefined || found.uid === 0 ? { uid: NOBODY, gid: NOBODY } : found
}

/** The folder itself comes last: when it has its owner, all that is in it has too, and a server may be at work there. */
function changeOwner(path: string, owner: Owner): void {
  const found = lstatSync(path)
  if (found.uid === owner.uid) return
  if (found.isDirectory()) for (const name of readdirSync(path)) changeOwner(join(path, name), owner)
  lchownSync(path, owner.uid, owner.gid)
}
