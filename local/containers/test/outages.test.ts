import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startLoad } from '../../load.ts'
import { waitUntil } from '../../wait.ts'
import { containerOf, createProject, exitCodeOf, type Project, restartsOf } from '../compose.ts'
import { answers200, docker, figure, IMAGE, statusOf } from '../docker.ts'
import { startLoadInside } from '../load-inside.ts'

const START_MS_MAX = 60_000
const RECOVERY_MS_MAX = 30_000
/** Longer than a client that asks for nothing is waited for, shorter than the service's SHUTDOWN_TIMEOUT_MS. */
const UPLOAD_MS = 11_000
/** The exit code of who is ended by it. */
const SIGTERM = 143

test('PostgreSQL may start last: the API waits unready, is never started again, and is ready by itself', async () => {
  await using project = await createProject({ tier: '2' })
  await project.compose('up', '--detach', '--scale', 'postgres=0')
  const health = () => fetch(`${project.url}/health`).catch(() => undefined)
  const answer = await waitUntil(
    'the API says that it is starting',
    async () => {
      const given = await health()
      const body = given?.headers.get('content-type')?.includes('json') ? await given.json() : undefined
      return (body as { status?: string })?.status === 'starting' && given?.status
    },
    { timeoutMs: START_MS_MAX },
  )
  assert.equal(answer, 503)
  await delay(3000)
  assert.equal(await statusOf(`${project.url}/health/live`), 200)
  assert.equal(await statusOf(`${project.url}/health/ready`), 503)
  assert.equal(await statusOf(`${project.url}/data/1`), 503)

  const startMs = performance.now()
  await project.compose('up', '--detach', '--no-recreate', 'postgres')
  await answers200(`${project.url}/data/1`, START_MS_MAX)
  figure('PostgreSQL starts last, from its start to the first 200', `${seconds(startMs)} s`)
  assert.equal(await restartsOf(await containerOf(project, 'api')), 0)
  assert.equal(await exitCodeOf(await containerOf(project, 'migrate')), 0)
})

test('PostgreSQL is killed and comes back, and after `down` and `up` the data is still there', async () => {
  await using project = await started({ replicas: 1 })
  const { etag, body } = await put(project, 'kept', '{"kept":1.50}')
  const api = await containerOf(project, 'api')
  await project.compose('kill', 'postgres')
  const refused = await waitUntil(
    'requests are refused',
    async () => {
      const answer = await fetch(`${project.url}/data/kept`)
      return answer.status === 503 && answer
    },
    { timeoutMs: 10_000 },
  )
  assert.ok(refused.headers.has('retry-after'))
  assert.equal(await statusOf(`${project.url}/health/ready`), 200, 'degraded, not unready')

  const startMs = performance.now()
  await project.compose('start', 'postgres')
  await answers200(`${project.url}/data/kept`, RECOVERY_MS_MAX)
  figure('PostgreSQL was killed, from its start to the first 200', `${seconds(startMs)} s`)
  await put(project, 'after', '1')
  assert.equal(await restartsOf(api), 0)

  await project.compose('down')
  await project.compose('up', '--detach')
  await answers200(`${project.url}/data/after`, START_MS_MAX)
  const answer = await fetch(`${project.url}/data/kept`)
  assert.equal(answer.headers.get('etag'), etag)
  assert.equal(await answer.text(), body)
})

test('the cache is killed and comes back, and no request fails', async () => {
  await using project = await started({ replicas: 1, tier: '4' })
  const becomes = (status: string) =>
    waitUntil(
      `its health is ${status}`,
      async () => {
        const answer = await fetch(`${project.url}/health`)
        return answer.status === 200 && ((await answer.json()) as { status: string }).status === status
      },
      { timeoutMs: RECOVERY_MS_MAX },
    )
  await becomes('ok')
  const load = startLoad(project.url, { clients: 8, pauseMs: 20 })
  await project.compose('kill', 'valkey')
  await becomes('degraded')
  await delay(1000)
  await project.compose('start', 'valkey')
  await becomes('ok')
  await load.end()
  figure('the cache was killed and started: requests, failures', `${load.count}, ${load.failures.size}`)
  assert.deepEqual([...load.failures], [])
  assert.ok(load.count > 200, `${load.count} requests`)
})

test('`docker compose stop` under load drains: every exit code is 0, and no answer is cut', async () => {
  await using project = await started({ replicas: 1 })
  const network = `${project.env.COMPOSE_PROJECT_NAME}_default`
  const inside = startLoadInside(IMAGE, network, 'http://balancer:8000', { clients: 16, pauseMs: 20 })
  const outside = startLoad(project.url, { clients: 16, pauseMs: 20 })
  await delay(3000)
  const headers = { 'content-type': 'application/json', 'content-length': 2 }
  const upload = request(`${project.url}/data/slow`, { method: 'PUT', headers })
  const answered = once(upload, 'response')
  upload.write('1')
  const startMs = performance.now()
  const stopped = project.compose('stop')
  // The balancer takes no more connections, and the clients are refused.
  await delay(1500)
  await Promise.all([inside.end(), outside.end()])
  await delay(UPLOAD_MS - 1500)
  upload.end('2')
  const [answer] = await answered
  answer.resume()
  assert.equal(answer.statusCode, 503, 'its database is not there any more')
  await stopped
  figure('`docker compose stop` under load', `${seconds(startMs)} s, of it ${UPLOAD_MS / 1000} s an upload`)
  for (const service of ['api', 'postgres', 'balancer']) {
    assert.equal(await exitCodeOf(await containerOf(project, service)), 0, service)
  }

  // The answer that the database is away, for it is stopped as well; or no connection.
  const whole = ['503', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']
  // Docker's own proxy has taken a connection before it learns that nobody listens behind it (moby/moby#18189).
  const dockers = ['ECONNRESET, on a new connection']
  for (const { where, load, allowed } of [
    { where: 'inside', load: inside, allowed: whole },
    { where: 'outside', load: outside, allowed: [...whole, ...dockers] },
  ]) {
    const seen = [...load.failures]
    figure(
      `  what clients ${where} saw`,
      [`${load.count} good`, ...seen.map((pair) => pair.join(' '))].join('; '),
    )
    assert.ok(load.count > 100, `${load.count} requests`)
    const cut = seen.filter(([outcome]) => !allowed.includes(outcome))
    assert.deepEqual(cut, [], where)
  }
})

test('stopped while it starts for the first time, everything ends by itself, and starts again', async () => {
  await using project = await createProject({ tier: '4' })
  await project.compose('up', '--detach')
  const startMs = performance.now()
  await project.compose('stop')
  figure('`docker compose stop` right after the first `up`', `${seconds(startMs)} s`)
  for (const service of ['api', 'worker', 'migrate', 'postgres', 'valkey', 'elasticmq', 'balancer']) {
    const code = await exitCodeOf(await containerOf(project, service))
    // Before a program has a handler, the signal itself ends it.
    assert.ok(code === 0 || code === SIGTERM, `${service}: ${code}`)
  }
  await project.compose('up', '--detach')
  await answers200(`${project.url}/data/1`, START_MS_MAX)
})

test('of two replicas each is stopped and started in turn under load, and no request fails', async () => {
  await using project = await started({ replicas: 2 })
  const load = startLoad(project.url, { clients: 12, pauseMs: 20 })
  const replicas = await project.containers('api')
  assert.equal(replicas.length, 2)
  for (const replica of replicas) {
    await docker('stop', '--time', '30', replica)
    assert.equal(await exitCodeOf(replica), 0)
    await delay(1000)
    await docker('start', replica)
    await allServe(project, 2)
  }
  await load.end()
  figure('two replicas, each stopped and started: requests, failures', `${load.count}, ${load.failures.size}`)
  assert.deepEqual([...load.failures], [])
  assert.ok(load.count > 1000, `${load.count} requests`)
})

async function started({ replicas, tier = '2' }: { replicas: number; tier?: string }): Promise<Project> {
  const project = await createProject({ tier })
  try {
    await project.compose('up', '--detach', '--scale', `api=${replicas}`)
    await answers200(`${project.url}/data/1`, START_MS_MAX)
    await allServe(project, replicas)
    return project
  } catch (error) {
    const logs = await project.compose('logs', '--tail', '20')
    await project[Symbol.asyncDispose]()
    throw new Error(logs, { cause: error })
  }
}

/** Resolves when the balancer gives requests to this many processes. */
async function allServe(project: Project, replicas: number): Promise<void> {
  await waitUntil(
    `all of ${replicas} replicas serve`,
    async () => {
      const seen = new Set<string>()
      for (let n = 0; n < 3 * replicas; n++) {
        const answer = await fetch(`${project.url}/health/ready`).catch(() => undefined)
        await answer?.arrayBuffer()
        // Each process begins the ids that it gives with letters of its own.
        if (answer?.status === 200) seen.add(String(answer.headers.get('x-request-id')).slice(0, 8))
      }
      return seen.size === replicas
    },
    { timeoutMs: START_MS_MAX },
  )
}

async function put(
  project: Project,
  id: string,
  value: string,
): Promise<{ etag: string | null; body: string }> {
  const answer = await fetch(`${project.url}/data/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: value,
  })
  const body = await answer.text()
  assert.ok(answer.ok, `${answer.status} ${body}`)
  return { etag: answer.headers.get('etag'), body }
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1)
}
