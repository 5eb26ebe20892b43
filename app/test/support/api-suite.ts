import { globSync } from 'node:fs'
import { join } from 'node:path'
import { startProcess } from '../../../local/processes.ts'
import { within } from './deadline.ts'
import { root } from './repository.ts'
import { bareEnvironment } from './service.ts'

const SUITE_MS_MAX = 60_000

/** Runs the API's suite of a copy of this repository against a service. Throws unless all of it passes. */
export async function runApiSuite(url: string, tree = root): Promise<void> {
  const files = globSync('app/test/e2e/api/*.test.ts', { cwd: tree })
  if (files.length === 0) throw new Error(`there is no suite in ${tree}`)
  // One process for all files: they only speak to the service, and a process each costs more than what they do.
  const suite = startProcess({
    command: process.execPath,
    args: [
      '--test',
      '--test-isolation=none',
      '--test-reporter=tap',
      ...files.map((file) => join(tree, file)),
    ],
    cwd: tree,
    env: { ...bareEnvironment(), BASE_URL: url },
  })
  try {
    const { code } = await within(SUITE_MS_MAX, 'the suite ends', suite.exited)
    const passed = Number(/^# pass (\d+)$/m.exec(suite.output.join('\n'))?.[1])
    if (code !== 0 || !(passed > 0)) throw new Error(`the suite fails:\n${suite.output.join('\n')}`)
  } finally {
    suite.signal('SIGKILL')
  }
}
