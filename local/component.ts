import type { Exit } from './processes.ts'

/** What a component finds when it starts. */
export interface Context {
  readonly env: NodeJS.ProcessEnv
  readonly dataDir: string
  readonly logDir: string
  /** How many processes are to work for the API's: 0 to 16. */
  readonly workers: number
  /** Tells the person at the terminal. */
  readonly say: (line: string) => void
}

/**
 * One part of the system. Resolves, when others may use it, to the variables that lead them to it. Rejects with a
 * `Failure` when it cannot be started, and calls `onExit` with one when it ends later.
 */
export type Component = (context: Context, onExit: (failure: Failure) => void) => Promise<Variables>

type Variables = Readonly<Record<string, string>>

/** Why the system cannot run, in words for its user, and the exit code that says so to machines. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** `EX_CONFIG` of sysexits.h, as the service has it: another start would be in vain. */
export const EXIT_CONFIG = 78

/** `PostgreSQL has ended by itself (SIGKILL)`, for its user. */
export function endedByItself(who: string, { code, signal }: Exit): string {
  return `${who} has ended by itself (${signal ?? `exit code ${code}`})`
}
