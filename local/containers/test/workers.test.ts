import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitUntil } from '../../wait.ts'
import { containerOf, createProject, evaluate, exitCodeOf, type Project } from '../compose.ts'
import { answers200, docker, figure } from '../docker.ts'

const START_MS_MAX = 60_000
const IMPORT_MS_MAX = 60_000
/** A quarter of a processor works on them for seconds. */
const LINES = 20_000

let project: Project

before(async () => {
  project = await createProject({ tier: '4' })
  await project.compose('up', '--detach')
  await answers200(`${project.url}/data/1`, START_MS_MAX)
})

after(() => project[Symbol.asyncDispose]())

interface Import {
  readonly state: string
  readonly lines: { readonly total: number; readonly applied: number }
}

test('an import is done by the worker; killed in the middle of it, the next one finishes it', async () => {
  const imported = await send(LINES)
  await waitUntil('a part of the import is applied', async () => (await told(imported)).lines.applied > 0, {
    timeoutMs: IMPORT_MS_MAX,
  })
  await project.compose('kill', 'worker')
  const { state, lines } = await told(imported)
  assert.equal(state, 'running')
  const startMs = performance.now()
  await project.compose('start', 'worker')
  await succeeds(imported)
  figure(
    `the worker was killed after ${lines.applied} of ${LINES} lines, from the next one's start`,
    `${((performance.now() - startMs) / 1000).toFixed(1)} s`,
  )
  assert.equal((await told(imported)).lines.applied, LINES)
  const worker = await containerOf(project, 'worker')
  assert.match(
    await evaluate(worker, PRINT_METRICS),
    /^worker_messages_total\{type="import",outcome="done"\} 1$/m,
  )
  const memory = await docker('stats', '--no-stream', '--format', '{{.MemUsage}}', worker)
  figure('tier 4, memory of the worker after an import', memory)
})

test('an import that comes while the queue is away is done when it is back', async () => {
  await project.compose('stop', 'elasticmq')
  const imported = await send(1)
  assert.equal((await told(imported)).state, 'queued')
  await project.compose('start', 'elasticmq')
  await succeeds(imported)
})

test('`docker compose stop` has a worker end by itself', async () => {
  await project.compose('stop', 'worker')
  assert.equal(await exitCodeOf(await containerOf(project, 'worker')), 0)
})

/** Resolves to where the import is told about. */
async function send(lines: number): Promise<string> {
  const body = Array.from({ length: lines }, (_, n) => `{"id":"line-${n}","value":${n}}\n`).join('')
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(`${project.url}/imports`, { method: 'POST', headers, body })
  const { id } = (await answer.json()) as { id: string }
  assert.equal(answer.status, 202)
  return `${project.url}/imports/${id}`
}

async function told(url: string): Promise<Import> {
  return (await (await fetch(url)).json()) as Import
}

function succeeds(url: string): Promise<unknown> {
  const hasSucceeded = async () => (await told(url)).state === 'succeeded'
  return waitUntil('the import succeeds', hasSucceeded, { timeoutMs: IMPORT_MS_MAX })
}

const PRINT_METRICS = `
  fetch('http://127.0.0.1:8000/metrics').then((answer) => answer.text()).then((text) => process.stdout.write(text))`
