import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { isPortTaken } from '../../ports.ts'
import { ask, type Command, commands, curls } from '../../test/readme.ts'
import { waitUntil } from '../../wait.ts'
import { createProject } from '../compose.ts'
import { answers200, root } from '../docker.ts'

/** What the README says about Docker, as it stands there, at the port that it names. */

const PORT = 8000
/** Images may have to be pulled. */
const FIRST_START_MS_MAX = 120_000
const WHOLE_MS_MAX = 60_000
const TIER_DEFAULT = 4

/** Each tier is started by its file elsewhere. */
const ups = commands.filter(({ text }) => / up\b/.test(text) && !text.includes('--env-file'))
const down = commands.find(({ text }) => text === 'docker compose down')?.text ?? 'exit 1'
const [first, ...others] = ups as [Command, ...Command[]]

// What the first one does in the root, the last one does with more processes.
for (const [command, folder] of [[first, 'app'], ...others.map((up) => [up, '.'] as const)] as const) {
  test(`${command.text}, in ${folder === '.' ? 'the root' : `${folder}/`}`, async () => {
    const isTaken = await isPortTaken(String(PORT), '127.0.0.1')
    assert.ok(!isTaken, `port ${PORT} of this machine is taken: stop what listens there`)
    await using project = await createProject({ port: PORT })
    const up = inFolder(command.text, folder, project.env)
    const exited = once(up, 'exit')
    await answers200(`${project.url}/data/1`, FIRST_START_MS_MAX)
    await waitUntil('all is there', () => isWhole(project.url), { timeoutMs: WHOLE_MS_MAX })
    for (const curl of curls) await ask(curl, project.url)
    for (const [, service = '', count] of command.text.matchAll(/--scale (\w+)=(\d+)/g)) {
      assert.equal((await project.containers(service)).length, Number(count), service)
    }
    // As a terminal does, to all that it runs.
    process.kill(-Number(up.pid), 'SIGINT')
    await exited
    assert.equal(await project.compose('ps', '--quiet'), '', 'Ctrl-C stops all of it')
    await once(inFolder(down, folder, project.env), 'exit')
    assert.equal(await project.compose('ps', '--all', '--quiet'), '', `${down} removes it`)
  })
}

/** Behind a balancer each process is asked by so many requests in a row. */
const IN_A_ROW = 10

/** What a process can do without for a while may come after it is ready, and to one later than to another. */
async function isWhole(url: string): Promise<boolean> {
  for (let n = 0; n < IN_A_ROW; n++) {
    const answer = await fetch(`${url}/health`)
    const { status, tier: told } = (await answer.json()) as { status: string; tier: number }
    if (status !== 'ok' || told !== TIER_DEFAULT) return false
  }
  return true
}

function inFolder(command: string, folder: string, env: Readonly<Record<string, string>>) {
  return spawn('sh', ['-c', `exec ${command}`], {
    cwd: join(root, folder),
    env: { ...process.env, ...env },
    stdio: 'ignore',
    detached: true,
  })
}
