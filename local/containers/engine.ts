import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
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

async function ordinaryEngine(): Promise<Engine> {
  const before = await contentsOf()
  const version = await docker('version', '--format', '{{.Server.Version}}')
  return {
    about: `the Docker engine of this machine, ${version}, with the official images`,
    async [Symbol.asyncDispose]() {
      await removeImages(before)
      await removeBuildCache(before)
      const left = (await contentsOf()).difference(before)
      if (left.size > 0) throw new Error(`left behind in the Docker engine: ${[...left].join(', ')}`)
    },
  }
}

/** Each thing that an engine keeps, as `kind name`. */
async function contentsOf(): Promise<ReadonlySet<string>> {
  const lists = await Promise.all(
    [
      ['container', 'container', 'ls', '--all', '--format', '{{.ID}}'],
      ['image', 'image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'],
      ['volume', 'volume', 'ls', '--format', '{{.Name}}'],
      ['network', 'network', 'ls', '--format', '{{.Name}}'],
      ['cache', 'system', 'df', '--verbose', '--format', '{{range .BuildCache}}{{println .ID}}{{end}}'],
    ].map(async ([kind, ...command]) => {
      const names = (await docker(...command))
        .split('\n')
        .filter((name) => name !== '' && !name.includes('<none>'))
      return names.map((name) => `${kind} ${name}`)
    }),
  )
  return new Set(lists.flat())
}

/** Those that were built or pulled. */
async function removeImages(before: ReadonlySet<string>): Promise<void> {
  const made = namesOf('image', (await contentsOf()).difference(before))
  if (made.length > 0) await docker('image', 'rm', '--force', ...made)
}

/** An entry can be removed when none is made from it any more: in each round, those at the ends. */
async function removeBuildCache(before: ReadonlySet<string>): Promise<void> {
  let left = Number.POSITIVE_INFINITY
  while (true) {
    const made = namesOf('cache', (await contentsOf()).difference(before))
    if (made.length === 0 || made.length === left) return
    left = made.length
    for (const id of made) await docker('builder', 'prune', '--all', '--force', '--filter', `id=${id}`)
  }
}

function namesOf(kind: string, things: ReadonlySet<string>): string[] {
  return [...things]
    .filter((thing) => thing.startsWith(`${kind} `))
    .map((thing) => thing.slice(kind.length + 1))
}

async function standIns(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'stand-ins-'))
  // Without npm's own variables, which would lead an npm in there to this project.
  const ofNpm = Object.keys(process.env).filter((name) => name.startsWith('npm_') || name === 'NODE')
  const env = { W: folder, ...Object.fromEntries(ofNpm.map((name) => [name, undefined])) }
  const script = (action: string) => run('bash', [STAND_INS, action, folder], { env })
  const before = traces(folder)
  const down = async () => {
    const { code, output } = await script('down')
    if (code !== 0) throw new Error(`The stand-ins could not be removed from ${folder}:\n${output}`)
    const left = traces(folder).difference(before)
    if (left.size > 0) throw new Error(`left behind on this machine: ${[...left].join(', ')}`)
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
      'stand-in images built from Debian and npm packages; they test our Dockerfile and compose files, not the official images',
    [Symbol.asyncDispose]: down,
  }
}

/** What an engine of its own changes outside of its folder; the script itself sees to the rules of forwarding. */
function traces(folder: string): ReadonlySet<string> {
  const processes = globSync('/proc/[0-9]*/cmdline').filter((file) => readIfThere(file).includes(folder))
  const mounts = readIfThere('/proc/self/mounts').split('\n')
  return new Set([
    ...processes,
    ...mounts.filter((line) => line.includes(folder)),
    ...readdirSync('/sys/class/net').map((name) => `network interface ${name}`),
    `forwarding ${readIfThere('/proc/sys/net/ipv4/ip_forward')}`,
    ...(existsSync(folder) ? readdirSync(folder) : []),
  ])
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
