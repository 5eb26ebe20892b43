import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type QueueAttributeName,
} from '@aws-sdk/client-sqs'
import type { Config } from '../../config.ts'
import { backoffMs } from '../../domain/backoff.ts'
import { OperatorFault } from '../../domain/errors.ts'
import type { Log } from '../../log.ts'
import { createOutageLog } from '../outage-log.ts'
import { connectToSqs, type SqsConnection } from './connection.ts'

export interface CreateQueueOptions {
  readonly config: Config
  readonly log: Log
  readonly signal: AbortSignal
}

const FAILED = { baseMs: 100, maxMs: 2000 }
/** The longest that SQS keeps a message: time for an operator to see to it. */
const DEAD_RETENTION_S = 14 * 86_400

/**
 * Creates the queue that `QUEUE_URL` names and its dead-letter queue, unless they are there; what is there stays as it
 * is. Waits for SQS, and throws an `OperatorFault` when that takes too long.
 */
export async function createQueue({ config, log, signal }: CreateQueueOptions): Promise<void> {
  const connection = connectToSqs(config, createOutageLog(log, 'queue'))
  const name = new URL(config.QUEUE_URL as string).pathname.split('/').at(-1) as string
  try {
    for (let failures = 0; ; failures++) {
      try {
        const isNew = await ensure(connection, name, config.QUEUE_RECEIVES_MAX)
        return log.info({ queue: name, isNew }, 'the queue is there')
      } catch (error) {
        if (signal.aborted) throw late(error as Error)
        await delay(backoffMs(failures, FAILED), undefined, { signal }).catch(() => {})
      }
    }
  } finally {
    connection.close()
  }
}

/** Resolves to whether it had to be made. */
async function ensure(connection: SqsConnection, name: string, receivesMax: number): Promise<boolean> {
  const { send } = connection
  if (await isThere(connection, name)) return false
  const retention: Partial<Record<QueueAttributeName, string>> = {
    MessageRetentionPeriod: String(DEAD_RETENTION_S),
  }
  const { QueueUrl } = await send(
    new CreateQueueCommand({ QueueName: `${name}-dead`, Attributes: retention }),
  )
  const { Attributes } = await send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: Attributes?.QueueArn,
    maxReceiveCount: receivesMax,
  })
  await send(new CreateQueueCommand({ QueueName: name, Attributes: { RedrivePolicy } }))
  return true
}

async function isThere({ send }: SqsConnection, name: string): Promise<boolean> {
  try {
    await send(new GetQueueUrlCommand({ QueueName: name }))
    return true
  } catch (error) {
    if ((error as Error).name === 'QueueDoesNotExist') return false
    throw error
  }
}

function late(cause: Error): OperatorFault {
  return new OperatorFault(
    `The queue could not be created within MIGRATE_TIMEOUT_MS (${cause.message}): check QUEUE_URL, AWS_ENDPOINT_URL_SQS, AWS_REGION and the credentials.`,
  )
}
