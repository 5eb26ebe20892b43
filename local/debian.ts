import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'

interface DebianPackage {
  readonly package: string
  /** Where in the package the program is. */
  readonly program: string
  /** Arguments with which it ends at once. */
  readonly probe: readonly string[]
  /** All that the program needs of the package's dependencies, where that is little of them. */
  readonly libraries?: readonly string[]
  /** Installing the package starts a server, which is for the machine's owner to decide. */
  readonly startsServer?: true
  /** What Homebrew calls it, where that is another name. */
  readonly brew?: string
}

const tools = {
  haproxy: { package: 'haproxy', program: 'usr/sbin/haproxy', probe: ['-v'] },
  wrk: { package: 'wrk', program: 'usr/bin/wrk', probe: ['-v'] },
  'redis-server': {
    package: 'redis-server',
    program: 'usr/bin/redis-server',
    probe: ['--version'],
    startsServer: true,
    brew: 'redis',
  },
  chromium: { package: 'chromium', program: 'usr/lib/chromium/chromium', probe: ['--version'] },
  // The package is a whole server, which depends on a compiler, on Perl and on much else.
  pgbench: {
    package: 'postgresql-15',
    program: 'usr/lib/postgresql/15/bin/pgbench',
    probe: ['--version'],
    libraries: ['libpq5'],
    startsServer: true,
  },
} as const satisfies Record<string, DebianPackage>

export type DebianTool = keyof typeof tools

export interface Tool {
  readonly path: string
  /** To be added to the environment of whoever runs it. */
  readonly env: Readonly<Record<string, string>>
}

const home = join(import.meta.dirname, '../.local/debian')
/** Daemons live in sbin, which a user's PATH may lack. */
const searchPath = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin']

/**
 * Finds a program on PATH, or else gets it from Debian's packages: unpacked under `.local/debian`, which needs no
 * root and changes nothing on the machine, or, only where that fails and as root, installed. Says a line when it
 * downloads. Throws an error that names the command which installs it.
 */
export async function debianTool(tool: DebianTool): Promise<Tool> {
  const found = onPath(tool) ?? unpacked(tool)
  if (found !== undefined) return found
  if (!hasProgram('apt-get') || !hasProgram('dpkg')) throw new Error(missing(tool))
  const faults: string[] = []
  for (const get of [unpack, install]) {
    try {
      const got = get(tool)
      if (got !== undefined) return got
    } catch (error) {
      faults.push((error as Error).message.trim())
    }
  }
  throw new Error([missing(tool), ...faults].join('\n'))
}

function missing(tool: DebianTool): string {
  const { package: name, brew = name }: DebianPackage = tools[tool]
  const command = process.platform === 'darwin' ? `brew install ${brew}` : `sudo apt-get install ${name}`
  return `${tool} is not on this machine: ${command}`
}

function hasProgram(name: string): boolean {
  return searchPath.some((folder) => existsSync(join(folder, name)))
}

function onPath(tool: DebianTool): Tool | undefined {
  return searchPath
    .map((folder) => ({ path: join(folder, tool), env: {} }))
    .find((found) => runs(tool, found))
}

function unpacked(tool: DebianTool, root = join(home, tool)): Tool | undefined {
  const libraries = globSync('{usr/,}lib/*-linux-gnu*{,/pulseaudio}', { cwd: root }).map((folder) =>
    join(root, folder),
  )
  const env = { LD_LIBRARY_PATH: libraries.join(':') }
  const found = { path: join(root, tools[tool].program), env }
  return runs(tool, found) ? found : undefined
}

/** Whether it can be started at all: a program whose library is missing exits with 127. */
function runs(tool: DebianTool, { path, env }: Tool): boolean {
  if (!existsSync(path)) return false
  const { status } = spawnSync(path, tools[tool].probe, { env: { ...process.env, ...env }, stdio: 'ignore' })
  return status !== null && status < 126
}

/** Everything happens in a folder of its own, renamed at the end: callers at the same time do not meet. */
function unpack(tool: DebianTool): Tool | undefined {
  say(`unpacking Debian's ${tools[tool].package} below .local/debian`)
  mkdirSync(home, { recursive: true })
  const work = mkdtempSync(join(home, '.unpack-'))
  try {
    const root = join(work, 'root')
    for (const archive of download(tool, work)) run('dpkg', ['-x', archive, root])
    if (unpacked(tool, root) === undefined)
      throw new Error(`Debian's ${tool} does not run here when unpacked`)
    moveInPlace(tool, root)
    return unpacked(tool)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Unless another caller was first: its copy is as good, and may be running. */
function moveInPlace(tool: DebianTool, root: string): void {
  if (unpacked(tool) !== undefined) return
  const target = join(home, tool)
  // One that no longer runs, as after an upgrade of the machine.
  rmSync(target, { recursive: true, force: true })
  try {
    renameSync(root, target)
  } catch (error) {
    if (unpacked(tool) === undefined) throw error
  }
}

/** Downloads the package with those of its dependencies that this machine lacks. Returns the archives' paths. */
function download(tool: DebianTool, work: string): string[] {
  for (const folder of ['cache/archives/partial', 'lists/partial']) {
    mkdirSync(join(work, folder), { recursive: true })
  }
  const common = [
    '-q',
    '-o',
    `Dir::Cache=${work}/cache`,
    '-o',
    'Debug::NoLocking=1',
    '-o',
    'APT::Sandbox::User=',
  ]
  const ownLists = ['-o', `Dir::State::lists=${work}/lists`]
  const archives = join(work, 'cache/archives')
  const { package: name, libraries }: DebianPackage = tools[tool]
  const get = (options: readonly string[]): void => {
    const whole = ['install', '--download-only', '--no-install-recommends', '--yes', ...(libraries ?? [name])]
    run('apt-get', [...options, ...whole])
    if (libraries !== undefined) run('apt-get', [...options, 'download', name], archives)
  }
  try {
    get(common)
  } catch {
    // The machine's package lists are absent, as in most images, or older than the mirror's content.
    spawnSync('apt-get', [...common, ...ownLists, '-o', 'Acquire::Languages=none', 'update'])
    get([...common, ...ownLists])
  }
  return globSync(`${archives}/*.deb`)
}

function install(tool: DebianTool): Tool | undefined {
  const { startsServer }: DebianPackage = tools[tool]
  if (process.getuid?.() !== 0 || startsServer) return undefined
  say(`installing Debian's ${tools[tool].package} on this machine with apt-get`)
  spawnSync('apt-get', ['-q', 'update'])
  run('apt-get', ['-q', 'install', '--no-install-recommends', '--yes', tools[tool].package])
  return onPath(tool)
}

/** Throws an error with what the command said on stderr. */
function run(command: string, args: readonly string[], cwd?: string): void {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }
  execFileSync(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
