import { SendMessageBatchCommand } from '@aws-sdk/client-sqs'
import type { Config } from '../../config.ts'
import type { Log } from '../../log.ts'
import type { Metrics } from '../../metrics.ts'
import type { Queue } from '../../ports/queue.ts'
import { createOutageLog } from '../outage-log.ts'
import { connectToSqs } from './connection.ts'
import { consumeMessages } from './consumer.ts'
import { createDeadLetters } from './dead-letters.ts'
import { sqsMessage } from './messages.ts'
import { createQueueMetrics } from './queue-metrics.ts'
import { watchQueue } from './watch.ts'

export interface SqsQueueOptions {
  readonly config: Config
  readonly registry: Metrics
  readonly log: Log
}

/** The queue in SQS: a standard one, with a redrive policy. */
export function createSqsQueue({ config, registry, log }: SqsQueueOptions): Queue {
  const queueUrl = config.QUEUE_URL as string
  const connection = connectToSqs(config, createOutageLog(log, 'queue'))
  const watch = watchQueue(connection, queueUrl, log)
  createQueueMetrics(registry, () => watch.sizes)
  const policy = async () => watch.policy ?? (await watch.look().catch(() => undefined))

  return {
    async send(messages) {
      const Entries = messages.map((message, at) => ({ Id: String(at), ...sqsMessage(message) }))
      const { Failed = [] } = await connection.send(
        new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
      )
      const [fault] = Failed
      if (fault !== undefined)
        throw new Error(`SQS took ${Failed.length} messages not: ${fault.Message ?? fault.Code}`)
    },
    consume: (judge, concurrency) => consumeMessages({ connection, queueUrl, policy }, judge, concurrency),
    deadLetters: createDeadLetters({ connection, queueUrl, policy: watch.look }),
    status: connection.status,
    start: watch.start,
    close() {
      watch.close()
      connection.close()
    },
  }
}
