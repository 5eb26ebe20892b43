import type { SqsQueue, SqsServer } from '../app/test/support/sqs.ts'
import type { Side } from './pinning.ts'
import type { Database } from './postgres/server.ts'
import { type Running, serviceWith } from './subjects.ts'

/** The processes of the service on a database of their own. */
export interface System extends AsyncDisposable {
  readonly name: string
  readonly database: Database
  readonly api: Running
  /** Undefined where the API's process does the work. */
  readonly worker: Running | undefined
  /** Undefined where messages stay in the database. */
  readonly queue: SqsQueue | undefined
  /** SIGKILL to the worker, and another one that is ready when this resolves. */
  replaceWorker(): Promise<void>
}

/** Where the processes run. */
export interface Sides {
  readonly api: Side
  readonly worker: Side
}

const anywhere: Sides = { api: 'anywhere', worker: 'anywhere' }

/** One process that serves requests and does the work, as at tier 2. `dir` takes its log. */
export async function oneProcess(
  name: string,
  database: Database,
  dir: string,
  sides = anywhere,
): Promise<System> {
  const api = await serviceWith({ DATABASE_URL: database.url }, name, sides.api).start(dir)
  return {
    name,
    database,
    api,
    worker: undefined,
    queue: undefined,
    async replaceWorker() {
      throw new Error(`${name} has no worker`)
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
}

/** An API and a worker with a queue between them, as at tier 4 but for the cache. `dir` takes their logs. */
export async function apiAndWorker(
  name: string,
  database: Database,
  sqs: SqsServer,
  dir: string,
  sides = anywhere,
): Promise<System> {
  const queue = await sqs.createQueue()
  const env = { DATABASE_URL: database.url, ...queue.environment() }
  const startWorker = () => serviceWith({ ...env, ROLE: 'worker' }, `${name}-worker`, sides.worker).start(dir)
  const api = await serviceWith({ ...env, ROLE: 'api' }, `${name}-api`, sides.api).start(dir)
  let worker = await startWorker()
  return {
    name,
    database,
    api,
    get worker() {
      return worker
    },
    queue,
    async replaceWorker() {
      await worker.kill()
      worker = await startWorker()
    },
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}
