import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BASE, docker, IMAGE, root, run } from './docker.ts'
import { findEngine } from './engine.ts'

/** What the other images of the compose file are pulled for, before anything is measured. */
const OTHERS = ['postgres:18', 'valkey/valkey:9', 'softwaremill/elasticmq-native:1.6.16', 'haproxy:3.2']
const TIMEOUT_MS = 150_000
const STAGE_SECONDS_MAX = 360

// Ctrl-C reaches docker and the tests too, which end by it; what they leave is removed here.
process.on('SIGINT', () => {}).on('SIGTERM', () => {})
process.chdir(root)
process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  return 1
})
say(`containers: ${Math.round(performance.now() / 1000)} s in all, of ${STAGE_SECONDS_MAX} that it may take`)

async function main(): Promise<number> {
  await using engine = await findEngine()
  say(`containers: ${engine.about}`)
  await build()
  const folder = mkdtempSync(join(tmpdir(), 'multi-aws-figures-'))
  try {
    process.env.FIGURES_FILE = join(folder, 'figures')
    writeFileSync(process.env.FIGURES_FILE, '')
    const exitCode = await runTests()
    say(`\n${readFileSync(process.env.FIGURES_FILE, 'utf8')}(${engine.about})`)
    return exitCode
  } finally {
    rmSync(folder, { recursive: true })
    await removeProjects()
    await removeContainers()
    await run('docker', ['image', 'rm', '--force', IMAGE])
  }
}

async function build(): Promise<void> {
  for (const image of [BASE, ...OTHERS]) {
    if ((await run('docker', ['image', 'inspect', image])).code !== 0) await docker('pull', '--quiet', image)
  }
  const { version } = JSON.parse(readFileSync('app/package.json', 'utf8'))
  const { stdout: commit } = await run('git', ['rev-parse', 'HEAD'])
  const startMs = performance.now()
  await docker(
    ...[
      'build',
      '--tag',
      IMAGE,
      '--build-arg',
      `GIT_COMMIT=${commit.trim()}`,
      '--build-arg',
      `VERSION=${version}`,
      'app',
    ],
  )
  say(`containers: built in ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
}

async function runTests(): Promise<number> {
  const given = process.argv.slice(2)
  const files = given.length > 0 ? given : globSync('local/containers/test/*.test.ts')
  // One after the other: they measure times.
  const args = ['--test', '--test-concurrency=1', `--test-timeout=${TIMEOUT_MS}`, ...files]
  const tests = spawn(process.execPath, args, { stdio: 'inherit' })
  const [code] = await once(tests, 'exit')
  return code ?? 1
}

/** Tests remove what they start, unless they are interrupted. */
async function removeProjects(): Promise<void> {
  const filter = [
    '--filter',
    'label=com.docker.compose.project',
    '--format',
    '{{.Label "com.docker.compose.project"}}',
  ]
  const names = (await docker('ps', '--all', ...filter))
    .split('\n')
    .filter((name) => name.startsWith('multi-aws-test-'))
  for (const name of new Set(names)) await docker('compose', '--project-name', name, 'down', '--volumes')
}

async function removeContainers(): Promise<void> {
  const ids = await docker('ps', '--all', '--quiet', '--filter', `ancestor=${IMAGE}`)
  if (ids !== '') await docker('rm', '--force', '--volumes', ...ids.split('\n'))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
