import { randomBytes } from 'node:crypto'
import { freePort } from '../ports.ts'
import { docker, IMAGE, inspect, type RunOptions, run } from './docker.ts'

/** The compose project under a name of its own, on a free port. Disposing of it removes all that it made. */
export interface Project extends AsyncDisposable {
  readonly url: string
  /** With which `docker compose` speaks of this project. */
  readonly env: Readonly<Record<string, string>>
  /** Runs `docker compose`, throws when it fails, and resolves to what it printed. */
  compose(...args: readonly string[]): Promise<string>
  /** The ids of a service's containers, stopped ones included. */
  containers(service: string): Promise<string[]>
}

export async function createProject(options: { tier?: string; port?: number } = {}): Promise<Project> {
  const { tier, port = await freePort() } = options
  const env = {
    COMPOSE_PROJECT_NAME: `multi-aws-test-${randomBytes(4).toString('hex')}`,
    PORT: String(port),
    IMAGE,
  }
  const tierArgs = tier === undefined ? [] : ['--env-file', `tiers/tier-${tier}.env`]
  const compose = async (args: readonly string[], runOptions: RunOptions = {}) => {
    const { code, stdout, output } = await run('docker', ['compose', ...tierArgs, ...args], {
      ...runOptions,
      env,
    })
    if (code !== 0) throw new Error(`docker compose ${args.join(' ')} exited with ${code}:\n${output}`)
    return stdout.trim()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    env,
    compose: (...args) => compose(args),
    async containers(service) {
      const ids = await compose(['ps', '--all', '--quiet', service])
      return ids.split('\n').filter((id) => id !== '')
    },
    [Symbol.asyncDispose]: async () => void (await compose(['down', '--volumes', '--timeout', '1'])),
  }
}

/** The only container of a service. */
export async function containerOf(project: Project, service: string): Promise<string> {
  const ids = await project.containers(service)
  if (ids.length !== 1 || ids[0] === undefined) throw new Error(`${service} has ${ids.length} containers`)
  return ids[0]
}

export async function exitCodeOf(id: string): Promise<number> {
  return Number(await inspect(id, '.State.ExitCode'))
}

/** How often Docker had to start it again. */
export async function restartsOf(id: string): Promise<number> {
  return Number(await inspect(id, '.RestartCount'))
}

/** Runs a program of the image inside one of its containers. */
export function evaluate(id: string, program: string): Promise<string> {
  return docker('exec', id, '/usr/local/bin/node', '--eval', program)
}
