import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type Sqs, startSqs } from '../../../local/sqs.ts'
import { createThrowAwayFolder } from '../../../local/throw-away.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/** An emulator of SQS for tests that break it. Disposing of it ends it. */
export interface SqsServer extends AsyncDisposable {
  readonly port: number
  /** A client without retries. */
  readonly client: SQSClient
  /** A queue with a dead-letter queue, as `ROLE=migrate` would make them. */
  createQueue(options?: { readonly receivesMax?: number }): Promise<SqsQueue>
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port, with the queues and messages that it had. */
  start(): Promise<void>
  /** SIGSTOP: connections stay open and new ones are taken, but nobody answers. */
  freeze(): void
  /** Ends `freeze`. */
  thaw(): void
}

export interface SqsQueue {
  readonly url: string
  readonly deadUrl: string
  /** What leads a process of the service to it, through a proxy if one is given. */
  environment(proxy?: TcpProxy): Readonly<Record<string, string>>
  send(body: string, type?: string): Promise<void>
  /** Messages that wait, and those that somebody has received. */
  size(): Promise<{ readonly visible: number; readonly inFlight: number; readonly dead: number }>
}

const RECEIVES_MAX = 5

export async function startSqsServer(): Promise<SqsServer> {
  const folder = createThrowAwayFolder()
  const start = (port?: number) => startSqs({ folder, port })
  let server: Sqs = await start()
  const { port } = server
  const variables = server.variables('unused')
  const client = new SQSClient({
    endpoint: String(variables.AWS_ENDPOINT_URL_SQS),
    region: String(variables.AWS_REGION),
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    useQueueUrlAsEndpoint: false,
    maxAttempts: 1,
  })
  return {
    port,
    client,
    createQueue: ({ receivesMax = RECEIVES_MAX } = {}) => createQueue(server, client, receivesMax),
    async kill() {
      server.signal('SIGKILL')
      await server.exited
    },
    async start() {
      server = await start(port)
    },
    freeze: () => void server.signal('SIGSTOP'),
    thaw: () => void server.signal('SIGCONT'),
    async [Symbol.asyncDispose]() {
      client.destroy()
      server.signal('SIGKILL')
      await server.exited
      await rm(folder, { recursive: true })
    },
  }
}

async function createQueue(server: Sqs, client: SQSClient, receivesMax: number): Promise<SqsQueue> {
  const name = `queue-${randomUUID()}`
  const create = async (QueueName: string, Attributes: Record<string, string> = {}) =>
    String((await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl)
  const attributes = async (QueueUrl: string) =>
    (await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes ?? {}
  const deadUrl = await create(`${name}-dead`)
  const deadLetterTargetArn = (await attributes(deadUrl)).QueueArn
  const url = await create(name, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: receivesMax }),
  })
  return {
    url,
    deadUrl,
    environment: (proxy) => ({
      ...server.variables(name),
      ...(proxy && { AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${proxy.port}` }),
    }),
    async send(body, type) {
      const MessageAttributes = type === undefined ? {} : { type: { DataType: 'String', StringValue: type } }
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes }))
    },
    async size() {
      const [main, dead] = await Promise.all([attributes(url), attributes(deadUrl)])
      return {
        visible: Number(main.ApproximateNumberOfMessages),
        inFlight: Number(main.ApproximateNumberOfMessagesNotVisible),
        dead: Number(dead.ApproximateNumberOfMessages),
      }
    },
  }
}
