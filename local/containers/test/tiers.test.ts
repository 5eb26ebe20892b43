import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { waitUntil } from '../../wait.ts'
import { containerOf, createProject, evaluate, type Project } from '../compose.ts'
import { answers200, docker, figure, IMAGE, root, run } from '../docker.ts'

const START_MS_MAX = 60_000
/** What the service says of itself. */
const shown: Readonly<Record<number, object>> = {
  1: { status: 'ok', tier: 1, capabilities: [] },
  2: { status: 'ok', tier: 2, capabilities: ['database'] },
  4: { status: 'ok', tier: 4, capabilities: ['database', 'cache', 'queue'] },
}

const tiers = globSync('tiers/tier-*.env', { cwd: root })
  .map((file) => Number(/\d+/.exec(basename(file))?.[0]))
  .sort()

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
    await becomesWhole(project, tier)

    const files = globSync('app/test/e2e/api/*.test.ts', { cwd: root })
    const suite = await run(process.execPath, ['--test', '--test-concurrency=1', ...files], {
      env: { BASE_URL: project.url, NODE_TEST_CONTEXT: undefined },
    })
    assert.equal(suite.code, 0, suite.output)
    const [, passed] = /^ℹ pass (\d+)$/m.exec(suite.output) ?? []
    assert.ok(Number(passed) > 50, suite.output)
    figure(`tier ${tier}, tests of the HTTP suite that passed`, String(passed))

    if (tier !== 1) await passwordIsKnownToNobodyElse(project)
    const memory = await docker(
      ...['stats', '--no-stream', '--format', '{{.MemUsage}}', await containerOf(project, 'api')],
    )
    figure(`tier ${tier}, memory after the suite`, memory)
  })
}

test('in every profile: few rights, bounded in size, one image of ours, and only the balancer is published', async () => {
  await using project = await createProject()
  const config = await project.compose('--profile', '*', 'config', '--format', 'json')
  const services = Object.entries((JSON.parse(config) as Composition).services)
  const named = (wanted: (service: Service) => boolean) =>
    services
      .filter(([, service]) => wanted(service))
      .map(([name]) => name)
      .sort()

  assert.deepEqual(
    named(({ ports }) => ports !== undefined),
    ['balancer'],
  )
  assert.deepEqual(
    named(({ read_only }) => !read_only),
    ['postgres'],
  )
  assert.deepEqual(
    named(({ cap_add }) => cap_add !== undefined),
    ['postgres'],
  )
  // The two that have an end.
  assert.deepEqual(
    named(({ restart }) => restart !== 'unless-stopped'),
    ['database-password', 'migrate'],
  )
  for (const [name, service] of services) {
    assert.equal(service.depends_on, undefined, `${name} waits for nobody`)
    assert.deepEqual(service.cap_drop, ['ALL'], name)
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
    for (const { host_ip } of service.ports ?? []) assert.equal(host_ip, '127.0.0.1', name)
    for (const [key, value] of Object.entries(service.environment ?? {})) {
      if (key.endsWith('PASSWORD')) assert.fail(`${name} has ${key} in its configuration: ${value}`)
    }
  }
  const ours = services.filter(([, { build }]) => build !== undefined)
  assert.deepEqual(
    ours.map(([name]) => name),
    ['api', 'migrate', 'worker'],
  )
  for (const [name, { image, deploy, init }] of ours) {
    assert.equal(image, IMAGE, name)
    assert.deepEqual(deploy?.resources?.limits, { cpus: 0.25, memory: String(512 * 2 ** 20) }, name)
    assert.equal(init, true, name)
  }
})

/** What the service can do without for a while may come after it is ready. */
async function becomesWhole(project: Project, tier: number): Promise<void> {
  const isWhole = async () => {
    const health = (await (await fetch(`${project.url}/health`)).json()) as object
    return isDeepStrictEqual(pick(health, 'status', 'tier', 'capabilities'), shown[tier])
  }
  await waitUntil('everything is there', isWhole, { timeoutMs: START_MS_MAX })
}

interface Composition {
  readonly services: Readonly<Record<string, Service>>
}

/** As `docker compose config` writes it. */
interface Service {
  readonly image: string
  readonly build?: object
  readonly ports?: readonly { readonly host_ip: string }[]
  readonly depends_on?: object
  readonly read_only?: boolean
  readonly init?: boolean
  readonly restart?: string
  readonly cap_add?: readonly string[]
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly deploy?: { readonly resources?: { readonly limits?: object } }
}

const passwords = new Set<string>()

/** Each project has another one, and neither Docker nor a log tells it. */
async function passwordIsKnownToNobodyElse(project: Project): Promise<void> {
  const read = `process.stdout.write(fs.readFileSync('/run/secrets/database-password'))`
  const password = (await evaluate(await containerOf(project, 'api'), read)).trim()
  assert.ok(password.length >= 32 && !passwords.has(password), 'made for this project')
  passwords.add(password)
  const ids = (await project.compose('ps', '--all', '--quiet')).split('\n')
  const told = [
    await project.compose('config'),
    await project.compose('logs'),
    await docker('inspect', ...ids),
  ]
  for (const text of told) assert.ok(text.length > 0 && !text.includes(password), 'it is told')
}

function pick(from: object, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)))
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
