import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { type Settings, startRedis } from '../../../local/redis.ts'
import { createThrowAwayFolder } from '../../../local/throw-away.ts'
import { waitUntil } from '../../../local/wait.ts'
import { type Breakable, startBreakable } from './breakable.ts'
import { createAuthority } from './certificates.ts'

/** A server of Redis for tests that break it. It starts again empty, unless it was told to `SAVE` before. */
export interface RedisServer extends Breakable {
  readonly port: number
  readonly url: string
  /** Its log, over all starts. */
  readonly log: readonly string[]
  /** Runs one command on a connection of its own, as the user of `url` or the one given. */
  command(...words: readonly string[]): Promise<unknown>
}

/** `settings` are those of redis.conf, as in `{ maxmemory: '2mb', 'maxmemory-policy': 'noeviction' }`. */
export async function startRedisServer(settings: Settings = {}): Promise<RedisServer> {
  return serve(
    () => settings,
    (port) => `redis://127.0.0.1:${port}`,
  )
}

export interface TlsRedisServer extends RedisServer {
  /** The file of the authority's certificate that a client has to trust. */
  readonly authorityFile: string
}

/** A server that takes TLS connections alone. */
export async function startTlsRedisServer(settings: Settings = {}): Promise<TlsRedisServer> {
  const authority = createAuthority('test authority')
  const { certificate, key } = authority.issue('localhost', '127.0.0.1')
  const folder = createThrowAwayFolder()
  const fileOf = (name: string) => join(folder, name)
  await writeFile(fileOf('authority.pem'), authority.certificate)
  await writeFile(fileOf('server.pem'), certificate)
  await writeFile(fileOf('server.key'), key)
  const server = await serve(
    (port) => ({
      port: '0',
      'tls-port': String(port),
      'tls-cert-file': fileOf('server.pem'),
      'tls-key-file': fileOf('server.key'),
      'tls-ca-cert-file': fileOf('authority.pem'),
      'tls-auth-clients': 'no',
      ...settings,
    }),
    (port) => `rediss://localhost:${port}`,
    authority.certificate,
  )
  return Object.assign(server, { authorityFile: fileOf('authority.pem') })
}

async function serve(
  settings: (port: number) => Settings,
  urlOf: (port: number) => string,
  authority?: string,
): Promise<RedisServer> {
  const log: string[] = []
  const { first, breakable } = await startBreakable((folder, port) =>
    startRedis({ folder, port, settings, onLine: (line) => log.push(line) }),
  )
  const { port } = first
  const url = urlOf(port)
  return { ...breakable, port, url, log, command: (...words) => command(url, words, authority) }
}

async function command(url: string, words: readonly string[], authority?: string): Promise<unknown> {
  const tls = authority === undefined ? {} : { tls: true as const, ca: authority }
  const client = createClient({ url, socket: { reconnectStrategy: false, ...tls } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand([...words])
  } finally {
    if (client.isOpen) client.destroy()
  }
}

/** Three masters, each with a third of the slots and with `replicas` replicas. */
export interface RedisCluster extends AsyncDisposable {
  /** Of one of the masters: clients find the others. */
  readonly url: string
  readonly masters: readonly RedisServer[]
  readonly replicas: readonly RedisServer[]
  /** Resolves when every node that lives sees a master for all slots. */
  settled(): Promise<void>
}

const SLOTS = 16_384
const MASTERS = 3
/** A node that does not answer for so long is held for dead. */
const NODE_TIMEOUT_MS = 1000
const SETTLE_MS_MAX = 30_000

export async function startRedisCluster({ replicas = 0 }: { replicas?: 0 | 1 } = {}): Promise<RedisCluster> {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': String(NODE_TIMEOUT_MS),
    'repl-diskless-sync-delay': '0',
  }
  const nodes = await Promise.all(
    Array.from({ length: MASTERS * (1 + replicas) }, () => startRedisServer(settings)),
  )
  const [masters, others] = [nodes.slice(0, MASTERS), nodes.slice(MASTERS)]
  const [first] = masters as [RedisServer, ...RedisServer[]]
  for (const [at, master] of masters.entries()) {
    const [from, to] = [at, at + 1].map((part) => Math.floor((part * SLOTS) / MASTERS)) as [number, number]
    await master.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1))
    await master.command('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1))
  }
  for (const node of nodes.slice(1)) {
    await node.command('CLUSTER', 'MEET', '127.0.0.1', String(first.port))
  }
  const living = async () => {
    const answers = await Promise.allSettled(nodes.map((node) => node.command('CLUSTER', 'INFO')))
    return answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => String(value))
  }
  const settled = async () => {
    await waitUntil(
      'the cluster is whole',
      async () => (await living()).every((info) => info.includes('cluster_state:ok')),
      { timeoutMs: SETTLE_MS_MAX },
    )
  }
  await waitUntil(
    'the nodes know each other',
    async () => (await living()).every((info) => info.includes(`cluster_known_nodes:${nodes.length}`)),
    { timeoutMs: SETTLE_MS_MAX },
  )
  for (const [at, replica] of others.entries()) {
    const id = await masters[at]?.command('CLUSTER', 'MYID')
    await waitUntil(
      'the replica follows',
      () => replica.command('CLUSTER', 'REPLICATE', String(id)).catch(() => false),
      { timeoutMs: SETTLE_MS_MAX },
    )
  }
  await waitUntil(
    'the replicas have what their masters have',
    async () => {
      const answers = await Promise.all(others.map((replica) => replica.command('INFO', 'replication')))
      return answers.every((info) => String(info).includes('master_link_status:up'))
    },
    { timeoutMs: SETTLE_MS_MAX },
  )
  await settled()
  return {
    url: first.url,
    masters,
    replicas: others,
    settled,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    },
  }
}
