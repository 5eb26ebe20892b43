import { startProcess } from '../local/processes.ts'

export interface ProgramOptions {
  /** Beside this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/** Runs a program that ends by itself. Resolves to its stdout; throws with all output when it fails or is not done in time. */
export async function outputOf(
  [command, ...args]: readonly [string, ...string[]],
  { env = {}, timeoutMs }: ProgramOptions,
): Promise<string> {
  const lines: string[] = []
  const program = startProcess({
    command,
    args,
    env: { ...process.env, ...env },
    onLine: (line, stream) => void (stream === 'stdout' && lines.push(line)),
  })
  const timer = setTimeout(() => program.signal('SIGKILL'), timeoutMs)
  const { code, signal } = await program.exited
  clearTimeout(timer)
  if (code !== 0) throw new Error(`${command} ended with ${signal ?? code}:\n${program.output.join('\n')}`)
  return lines.join('\n')
}
