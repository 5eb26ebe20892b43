import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, createCluster, defineScript, type RedisClusterType } from '@redis/client'
import type { RedisAddress } from './address.ts'

/** What an update came to: Redis's time in milliseconds, the position's part, and for each entry whether it was kept. */
export type Updated = [nowMs: number, position: 'applied' | 'known' | 'lost', kept: number[]]

/** One connection, or those to every master of a cluster. */
export interface RedisClient {
  readonly isCluster: boolean
  /** Of a cluster, from the masters of each. */
  mGet(keys: string[]): Promise<(string | null)[]>
  /** Runs update.lua. The keys have one hash tag. */
  update(keys: readonly string[], args: readonly string[]): Promise<Updated>
  /** Cuts the connections; what is in flight is rejected. */
  destroy(): void
}

const update = defineScript({
  SCRIPT: readFileSync(join(import.meta.dirname, 'update.lua'), 'utf8'),
  IS_READ_ONLY: false,
  parseCommand(parser, keys: readonly string[], args: readonly string[]) {
    parser.push(String(keys.length))
    parser.pushKeys([...keys])
    parser.push(...args)
  },
  transformReply: undefined as unknown as () => never,
})

/**
 * Connects once and finds out whether it is a cluster. `onLost` is called, perhaps more than once, when a connection has
 * ended: nothing here connects again. Rejects with what `connect` did. What is connected is cut when `signal` aborts.
 */
export async function connect(
  address: RedisAddress,
  connectTimeoutMs: number,
  onLost: (reason: Error) => void,
  signal: AbortSignal,
): Promise<RedisClient> {
  const options = optionsFor(address, connectTimeoutMs)
  const client = createClient({ ...options, url: address.url, scripts: { update } })
  signal.addEventListener('abort', () => client.destroy())
  client.on('error', onLost)
  await client.connect()
  const { mode } = await client.hello()
  if (mode !== 'cluster') return commandsOf(client, false)
  client.removeListener('error', onLost).on('error', () => {})
  client.destroy()
  const cluster = createCluster({ rootNodes: [{ url: address.url }], defaults: options, scripts: { update } })
  signal.addEventListener('abort', () => cut(cluster))
  cluster.on('error', onLost)
  await cluster.connect()
  return commandsOf(cluster, true)
}

/** A node's connection that is just being made does not hear of the end: it is ended again when it is there. */
function cut(cluster: Pick<RedisClusterType, 'masters' | 'destroy'>): void {
  const { masters } = cluster
  cluster.destroy()
  for (const { client, connectPromise } of masters) {
    connectPromise?.then(
      () => client?.destroy(),
      () => {},
    )
  }
}

/** What this service asks of either kind of client. */
interface Commands {
  mGet(keys: string[]): Promise<(string | null)[]>
  update(keys: readonly string[], args: readonly string[]): Promise<unknown>
  destroy(): void
}

function commandsOf(client: Commands, isCluster: boolean): RedisClient {
  return {
    isCluster,
    mGet: (keys) => client.mGet(keys),
    update: async (keys, args) => (await client.update(keys, args)) as Updated,
    destroy: () => client.destroy(),
  }
}

function optionsFor({ username, password, isTls }: RedisAddress, connectTimeout: number) {
  const socket = { connectTimeout, reconnectStrategy: false as const, ...(isTls && { tls: true as const }) }
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    socket,
    disableOfflineQueue: true,
    maintNotifications: 'disabled' as const,
    // The connection has time limits of its own.
    commandOptions: { timeout: 0 },
  }
}
