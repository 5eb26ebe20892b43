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

/** `nobody` on Debian and most others. It need not be in /etc/passwd. */
const NOBODY = 65_534

/**
 * Whoever runs this process, unless that is root. Root becomes the owner of `folder`, if there is one who is not root,
 * else nobody; or, where that user cannot reach the program or the folder because one like /root (mode 0700) is above
 * it, itself in a user namespace, in which it has another number.
 */
export function unprivileged(folder: string, program: string): Unprivileged {
  if (process.getuid?.() !== 0) {
    return { command: (program, ...args) => ({ command: program, args: [...args] }), own: () => {} }
  }
  const { uid, gid } = ownerOf(folder)
  const choices = [
    { uid, gid, prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] },
    { uid: 0, gid: 0, prefix: ['unshare', '--user', '--map-user=1000', '--map-group=1000'] },
  ]
  const chosen = choices.find(({ prefix }) => reaches(prefix, [program, dirname(folder)]))
  if (chosen === undefined) {
    throw new Failure(
      'PostgreSQL does not run as root, and neither `setpriv` nor `unshare` can give it another user here: ' +
        'start as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
      1,
    )
  }
  const [command = '', ...args] = chosen.prefix
  return {
    command: (program, ...more) => ({ command, args: [...args, program, ...more] }),
    own: (path) => changeOwner(path, chosen),
  }
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

function ownerOf(folder: string): Owner {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found === undefined || found.uid === 0 ? { uid: NOBODY, gid: NOBODY } : found
}

function reaches([command = '', ...args]: readonly string[], paths: readonly string[]): boolean {
  return paths.every(
    (path) => spawnSync(command, [...args, 'test', '-x', path], { stdio: 'ignore' }).status === 0,
  )
}

function changeOwner(path: string, owner: Owner): void {
  const found = lstatSync(path)
  if (found.uid !== owner.uid) lchownSync(path, owner.uid, owner.gid)
  if (found.isDirectory()) for (const name of readdirSync(path)) changeOwner(join(path, name), owner)
}
