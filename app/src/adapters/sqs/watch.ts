import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type QueueAttributeName,
  QueueDoesNotExist,
} from '@aws-sdk/client-sqs'
import { backoffMs } from '../../domain/backoff.ts'
import type { Log } from '../../log.ts'
import type { SqsConnection } from './connection.ts'
import type { QueueSizes } from './queue-metrics.ts'

/** What the queue itself says about messages that fail again and again (its redrive policy). */
export interface RedrivePolicy {
  readonly receivesMax: number
  readonly deadUrl: string
}

/** Looks at the queue now and then: whether it is there, how it is set up, and how much it holds. */
export interface Watch {
  /** Undefined until the queue was reached, and while it has none: nothing is given up then. */
  readonly policy: RedrivePolicy | undefined
  readonly sizes: QueueSizes | undefined
  /** Looks at once. Throws what the SDK throws. */
  look(): Promise<RedrivePolicy | undefined>
  start(): void
  close(): void
}

interface DeadQueue {
  readonly arn: string
  readonly url: string
}

const LOOK_EVERY_MS = 10_000
const WITHOUT_POLICY =
  'the queue has no dead-letter queue: what fails is tried for ever; give it a redrive policy'
const FAILED = { baseMs: 200, maxMs: 2000 }
const SIZES: readonly QueueAttributeName[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
]

export function watchQueue({ send }: SqsConnection, queueUrl: string, log: Log): Watch {
  let policy: RedrivePolicy | undefined
  let sizes: QueueSizes | undefined
  /** A queue of this name keeps its URL. */
  let dead: DeadQueue | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let isTold = false

  async function attributesOf(url: string, AttributeNames: QueueAttributeName[]) {
    const { Attributes = {} } = await send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames }))
    return Attributes
  }

  /** Undefined when there is no queue of the name that it gives. */
  async function policyOf(text: string): Promise<RedrivePolicy | undefined> {
    const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(text)
    // arn:aws:sqs:REGION:ACCOUNT:NAME
    const [, , , , QueueOwnerAWSAccountId, QueueName] = String(deadLetterTargetArn).split(':')
    try {
      if (dead?.arn !== deadLetterTargetArn) {
        const { QueueUrl = '' } = await send(new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId }))
        dead = { arn: deadLetterTargetArn, url: QueueUrl }
      }
      return { receivesMax: Number(maxReceiveCount), deadUrl: (dead as DeadQueue).url }
    } catch (error) {
      if (error instanceof QueueDoesNotExist) return undefined
      throw error
    }
  }

  async function look(): Promise<RedrivePolicy | undefined> {
    const attributes = await attributesOf(queueUrl, [...SIZES, 'RedrivePolicy'])
    const { RedrivePolicy: text } = attributes
    policy = text === undefined ? undefined : await policyOf(text)
    if (policy === undefined && !isTold) log.warn(WITHOUT_POLICY)
    isTold = policy === undefined
    const letters = policy && (await attributesOf(policy.deadUrl, ['ApproximateNumberOfMessages']))
    const [visible, inFlight, delayed] = SIZES.map((name) => Number(attributes[name])) as [
      number,
      number,
      number,
    ]
    sizes = { visible, inFlight, delayed, dead: Number(letters?.ApproximateNumberOfMessages ?? 0) }
    return policy
  }

  /** What a look fails of is told by the connection. */
  async function lookOn(failures: number): Promise<void> {
    const isSeen = await look().then(
      () => true,
      () => false,
    )
    if (isClosed) return
    const pauseMs = isSeen ? LOOK_EVERY_MS : backoffMs(failures, FAILED)
    timer = setTimeout(() => lookOn(isSeen ? 0 : failures + 1), pauseMs)
  }

  return {
    get policy() {
      return policy
    },
    get sizes() {
      return sizes
    },
    look,
    start: () => void lookOn(0),
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
