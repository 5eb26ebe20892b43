import { mkdirSync } from 'node:fs'
import { Failure } from './component.ts'
import { debianTool } from './debian.ts'
import { listeningPort } from './ports.ts'
import { type Exit, type RunningProcess, startProcess } from './processes.ts'

const START_MS_MAX = 10_000
const PORT_TRIES = 5

/** It is a cache: nothing is kept on disk, and what is used least makes room. */
const defaults = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'no',
  maxmemory: '64mb',
  'maxmemory-policy': 'allkeys-lru',
}

/** As in redis.conf; several values are several lines. */
export type Settings = Readonly<Record<string, string | readonly string[]>>

export interface RedisOptions {
  /** Where it may leave files, such as a cluster's configuration. */
  readonly folder: string
  /** A free one by default. */
  readonly port?: number | undefined
  /** Instead of the defaults or beside them. */
  readonly settings?: (port: number) => Settings
  readonly onLine?: (line: string) => void
}

export interface Redis {
  readonly port: number
  readonly exited: Promise<Exit>
  /** Sends a signal to the server. Returns false when it has ended. */
  signal(name: NodeJS.Signals): boolean
  /** SIGTERM: connections are cut in order. */
  stop(): Promise<void>
}

/** Starts Redis. Resolves when it accepts connections; throws a `Failure` when it cannot be started. */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const { path, env } = await debianTool('redis-server')
  mkdirSync(options.folder, { recursive: true })
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await listeningPort())
    const server = startProcess({
      command: path,
      args: serverArguments(port, options),
      env: { ...process.env, ...env },
      ...(options.onLine && { onLine: options.onLine }),
    })
    if (await isReady(server)) return handle(server, port)
    const isTaken = server.output.some((line) => line.includes('Address already in use'))
    if (isTaken && options.port === undefined && tries < PORT_TRIES) continue
    throw new Failure(
      isTaken
        ? `Port ${port} is taken: stop what listens there, or set REDIS_URL to a Redis of your own.`
        : [
            `Redis does not start: ${server.output.at(-1) ?? 'it says nothing'}`,
            ...server.output.slice(-10),
          ].join('\n'),
      1,
    )
  }
}

function serverArguments(port: number, { folder, settings }: RedisOptions): string[] {
  const all = { ...defaults, port: String(port), dir: folder, ...settings?.(port) }
  return Object.entries(all).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => [`--${name}`, ...words(name, value)]),
  )
}

/** Redis takes several words as one argument, except a user's rules. Elsewhere a space may be part of a path. */
function words(name: string, value: string): readonly string[] {
  return name === 'user' ? value.split(' ') : [value]
}

async function isReady(server: RunningProcess): Promise<boolean> {
  try {
    await server.line(/Ready to accept connections/, { timeoutMs: START_MS_MAX })
    return true
  } catch {
    await server.stop({ timeoutMs: 0 })
    return false
  }
}

function handle(server: RunningProcess, port: number): Redis {
  return {
    port,
    exited: server.exited,
    signal: server.signal,
    async stop() {
      await server.stop()
    },
  }
}
