import { randomUUID } from 'node:crypto'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type Sqs, startSqs } from '../../../local/sqs.ts'
import { type Breakable, startBreakable } from './breakable.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/** An emulator of SQS for tests that break it. It starts again with the queues and messages that it had. */
export interface SqsServer extends Breakable {
  readonly port: number
  /** A client without retries. */
  readonly client: SQSClient
  /** A queue with a dead-letter queue, as `ROLE=migrate` would make them. */
  createQueue(options?: { readonly receivesMax?: number }): Promise<SqsQueue>
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
  const { first, breakable } = await startBreakable((folder, port) => startSqs({ folder, port }))
  const variables = first.variables('unused')
  const client = new SQSClient({
    endpoint: String(variables.AWS_ENDPOINT_URL_SQS),
    region: String(variables.AWS_REGION),
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    useQueueUrlAsEndpoint: false,
    maxAttempts: 1,
  })
  return {
    ...breakable,
    port: first.port,
    client,
    createQueue: ({ receivesMax = RECEIVES_MAX } = {}) => createQueue(first, client, receivesMax),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await breakable[Symbol.asyncDispose]()
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
