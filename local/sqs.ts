import { join } from 'node:path'
import { Failure } from './component.ts'
import { type Exit, type RunningProcess, startProcess } from './processes.ts'

const START_MS_MAX = 20_000
const STOP_MS_MAX = 2000
const LISTENING = /^listening on (\d+)$/
const emulator = join(import.meta.dirname, 'sqs-emulator.ts')

export interface SqsOptions {
  /** Where its queues and messages are kept; without one it forgets them at its end. */
  readonly folder?: string | undefined
  /** A free one by default. */
  readonly port?: number | undefined
  readonly onLine?: (line: string) => void
}

/** An emulator of SQS: the same protocol, and none of its endurance. */
export interface Sqs {
  readonly port: number
  /** What leads a process to the queue of this name: the emulator takes any credentials. */
  readonly variables: (queue: string) => Readonly<Record<string, string>>
  readonly exited: Promise<Exit>
  /** Sends a signal to the emulator. Returns false when it has ended. */
  signal(name: NodeJS.Signals): boolean
  stop(): Promise<void>
}

/** Resolves when it accepts connections; throws a `Failure` when it cannot be started. */
export async function startSqs({ folder, port = 0, onLine }: SqsOptions = {}): Promise<Sqs> {
  const server = startProcess({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', emulator, String(port), ...(folder ? [folder] : [])],
    ...(onLine && { onLine }),
  })
  return handle(server, await portOf(server, port))
}

async function portOf(server: RunningProcess, port: number): Promise<number> {
  try {
    const line = await server.line(LISTENING, { timeoutMs: START_MS_MAX })
    return Number(LISTENING.exec(line)?.[1])
  } catch {
    await server.stop({ timeoutMs: 0 })
    const isTaken = server.output.some((line) => line.includes('EADDRINUSE'))
    throw new Failure(
      isTaken
        ? `Port ${port} is taken: stop what listens there, or set QUEUE_URL to a queue of your own.`
        : ['The emulator of SQS does not start:', ...server.output.slice(-10)].join('\n'),
      1,
    )
  }
}

function handle(server: RunningProcess, port: number): Sqs {
  const endpoint = `http://127.0.0.1:${port}`
  return {
    port,
    variables: (queue) => ({
      QUEUE_URL: `${endpoint}/000000000000/${queue}`,
      AWS_ENDPOINT_URL_SQS: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    }),
    exited: server.exited,
    signal: server.signal,
    async stop() {
      await server.stop({ timeoutMs: STOP_MS_MAX })
    },
  }
}
