import { type RunningProcess, startProcess } from '../processes.ts'

/** Starts a process that runs this text as a module. `env` replaces this process's environment. */
export function startModule(text: string, env?: NodeJS.ProcessEnv): RunningProcess {
  const args = ['--input-type=module', '--eval', text]
  return startProcess({ command: process.execPath, args, ...(env && { env }) })
}
