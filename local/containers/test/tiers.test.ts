import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { isPortTaken } from '../../ports.ts'
import { waitUntil } from '../../wait.ts'
import { containerOf, createProject } from '../compose.ts'
import { answers200, docker, figure, root, run } from '../docker.ts'

/** Images may have to be pulled. */
const FIRST_START_MS_MAX = 120_000
const START_MS_MAX = 60_000
const TIER_DEFAULT = 2
/** What the service says of itself: as long as there is no queue, tier 4 is tier 2 with a cache. */
const shown: Readonly<Record<number, object>> = {
  1: { status: 'ok', tier: 1, capabilities: [] },
  2: { status: 'ok', tier: 2, capabilities: ['database'] },
  4: { status: 'ok', tier: 2, capabilities: ['database', 'cache'] },
}
const PORT = 8000

const tiers = globSync('tiers/tier-*.env', { cwd: root })
  .map((file) => Number(/\d+/.exec(basename(file))?.[0]))
  .sort()

for (const folder of ['app', '.']) {
  test(`the brief's commands, verbatim, in ${folder === '.' ? 'the root' : `${folder}/`}`, async () => {
    const isTaken = await isPortTaken(String(PORT), '127.0.0.1')
    assert.ok(!isTaken, `port ${PORT} of this machine is taken: stop what listens there`)
    await using project = await createProject({ port: PORT })
    const up = shell('docker compose up --build', folder, project.env)
    const exited = once(up, 'exit')
    await answers200(`${project.url}/data/1`, FIRST_START_MS_MAX)
    const health = await run('sh', ['-c', 'curl localhost:8000/health'])
    assert.deepEqual(pick(JSON.parse(health.stdout), 'status', 'tier'), { status: 'ok', tier: TIER_DEFAULT })
    const data = await run('sh', ['-c', 'curl localhost:8000/data/1'])
    assert.deepEqual(pick(JSON.parse(data.stdout), 'id', 'value'), { id: '1', value: { name: 'Item 1' } })
    // As a terminal does, to all that it runs.
    process.kill(-Number(up.pid), 'SIGINT')
    await exited
    assert.equal(await project.compose('ps', '--quiet'), '', 'Ctrl-C stops all of it')
  })
}

for (const tier of tiers) {
  test(`tier ${tier} differs by --env-file alone, and passes the HTTP suite at its published port`, async () => {
    await using project = await createProject({ tier: String(tier) })
    const startMs = performance.now()
    await project.compose('up', '--detach')
    await answers200(`${project.url}/data/1`, START_MS_MAX)
    figure(
      `tier ${tier}, from \`docker compose up\` to the first 200`,
      `${seconds(performance.now() - startMs)} s`,
    )
    await waitUntil(
      'everything is there',
      async () => {
        const health = (await (await fetch(`${project.url}/health`)).json()) as object
        return isDeepStrictEqual(pick(health, 'status', 'tier', 'capabilities'), shown[tier])
      },
      { timeoutMs: START_MS_MAX },
    )

    const files = globSync('app/test/e2e/api/*.test.ts', { cwd: root })
    const suite = await run(process.execPath, ['--test', '--test-concurrency=1', ...files], {
      env: { BASE_URL: project.url, NODE_TEST_CONTEXT: undefined },
    })
    assert.equal(suite.code, 0, suite.output)
    const [, passed] = /^ℹ pass (\d+)$/m.exec(suite.output) ?? []
    assert.ok(Number(passed) > 50, suite.output)
    figure(`tier ${tier}, tests of the HTTP suite that passed`, String(passed))

    const memory = await docker(
      ...['stats', '--no-stream', '--format', '{{.MemUsage}}', await containerOf(project, 'api')],
    )
    figure(`tier ${tier}, memory after the suite`, memory)
  })
}

test('only this machine reaches what compose publishes, and only the balancer is published', async () => {
  await using project = await createProject()
  const { services } = JSON.parse(await project.compose('config', '--format', 'json')) as Composition
  const published = Object.entries(services).filter(([, { ports }]) => ports !== undefined)
  assert.deepEqual(
    published.map(([name]) => name),
    ['balancer'],
  )
  assert.equal(services.balancer?.ports?.[0]?.host_ip, '127.0.0.1')
  for (const [name, service] of Object.entries(services)) {
    assert.equal(service.depends_on, undefined, `${name} waits for nobody`)
    assert.deepEqual(service.cap_drop, ['ALL'], name)
    for (const [key, value] of Object.entries(service.environment ?? {})) {
      if (key.endsWith('PASSWORD')) assert.fail(`${name} has ${key} in its configuration: ${value}`)
    }
  }
})

interface Composition {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly ports?: readonly { readonly host_ip: string }[]
        readonly depends_on?: object
        readonly cap_drop?: readonly string[]
        readonly environment?: Readonly<Record<string, string>>
      }
    >
  >
}

function shell(command: string, folder: string, env: Readonly<Record<string, string>>) {
  return spawn('sh', ['-c', `exec ${command}`], {
    cwd: join(root, folder),
    env: { ...process.env, ...env },
    stdio: 'ignore',
    detached: true,
  })
}

function pick(from: object, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)))
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
