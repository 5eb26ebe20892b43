import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { docker, run } from './docker.ts'

export interface Engine extends AsyncDisposable {
  readonly about: string
}

/** A script like stand-ins.sh, for a machine on which that one does not work. */
const STAND_INS = process.env.STAND_INS ?? join(import.meta.dirname, 'stand-ins.sh')

/**
 * The machine's Docker engine, if one answers, else one of stand-ins. From here on `docker` in this process's
 * environment speaks to it. Disposing of it leaves the machine as it was.
 */
export async function findEngine(): Promise<Engine> {
  if ((await tryDocker('version')) === 0) {
    if ((await tryDocker('compose', 'version')) !== 0) {
      throw new Error('Docker has no compose plugin: install docker-compose-plugin, 2.24 or newer.')
    }
    return ordinaryEngine()
  }
  if (process.getuid?.() !== 0 || !existsSync('/etc/apt/sources.list.d/debian.sources')) {
    throw new Error(
      'No Docker engine answers: start one, or set DOCKER_HOST. (As root on Debian 12, stand-ins would be used.)',
    )
  }
  return standIns()
}

async function tryDocker(...args: readonly string[]): Promise<number | null> {
  return (await run('docker', args).catch(() => ({ code: null }))).code
}

/** What it had not before is removed: images that were built and pulled. */
async function ordinaryEngine(): Promise<Engine> {
  const before = await images()
  const version = await docker('version', '--format', '{{.Server.Version}}')
  return {
    about: `the Docker engine of this machine, ${version}, with the official images`,
    async [Symbol.asyncDispose]() {
      const made = [...(await images())].filter((image) => !before.has(image))
      if (made.length > 0) await docker('image', 'rm', '--force', ...made)
    },
  }
}

async function images(): Promise<ReadonlySet<string>> {
  const names = await docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}')
  return new Set(names.split('\n').filter((name) => name !== '' && !name.includes('<none>')))
}

async function standIns(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'stand-ins-'))
  // Without npm's own variables, which would lead an npm in there to this project.
  const ofNpm = Object.keys(process.env).filter((name) => name.startsWith('npm_') || name === 'NODE')
  const env = { W: folder, ...Object.fromEntries(ofNpm.map((name) => [name, undefined])) }
  const script = (action: string) => run('bash', [STAND_INS, action, folder], { env })
  const down = async () => {
    const { code, output } = await script('down')
    if (code !== 0) throw new Error(`The stand-ins could not be removed from ${folder}:\n${output}`)
  }
  const { code, output } = await script('up')
  process.stdout.write(output)
  if (code !== 0) {
    await down()
    throw new Error('No Docker engine answers, and stand-ins for it could not be made: install Docker.')
  }
  for (const [, name = '', value = ''] of readFileSync(join(folder, 'env'), 'utf8').matchAll(
    /(\w+)=(\S+)/g,
  )) {
    process.env[name] = value.replace('$PATH', process.env.PATH ?? '')
  }
  return {
    about:
      'stand-in images built from Debian packages; they test our Dockerfile and compose files, not the official images',
    [Symbol.asyncDispose]: down,
  }
}
