import { setTimeout as delay } from 'node:timers/promises'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
  type Message as SqsMessage,
} from '@aws-sdk/client-sqs'
import { Consumer as Poller } from 'sqs-consumer'
import { backoffMs } from '../../domain/backoff.ts'
import { type Consumer, HEARTBEAT_MS, type Judge, VISIBILITY_MS } from '../../ports/queue.ts'
import { LONG_POLL_MS, type SqsConnection } from './connection.ts'
import { messageOf, sqsMessage } from './messages.ts'
import type { RedrivePolicy } from './watch.ts'

export interface ConsumerOptions {
  readonly connection: SqsConnection
  readonly queueUrl: string
  /** Undefined when the queue has none, or cannot be asked. */
  readonly policy: () => Promise<RedrivePolicy | undefined>
}

const FAILED = { baseMs: 100, maxMs: 5000 }
/** SQS counts in seconds; 0 would have a message that was given back tried again by whoever gave it back. */
const SECONDS_MIN = 1
/** ChangeMessageVisibility, Amazon SQS API Reference. */
const SECONDS_MAX = 43_200
/** A queue without a dead-letter queue keeps what should be given up. */
const KEPT_MS = 60_000

/**
 * So many pollers as messages may be worked on at one time, each with one message: one that takes minutes keeps none
 * waiting that was received with it, and no process holds what another one could do.
 */
export function consumeMessages(options: ConsumerOptions, judge: Judge, concurrency: number): Consumer {
  const pollers = Array.from({ length: concurrency }, () => poll(options, judge))
  return {
    async stop() {
      await Promise.all(pollers.map((poller) => poller.stop()))
    },
  }
}

interface Receipt {
  readonly QueueUrl: string
  readonly ReceiptHandle: string | undefined
}

function poll({ connection, queueUrl, policy }: ConsumerOptions, judge: Judge): Consumer {
  let working: Promise<void> | undefined
  let failures = 0

  /** As the client's own, but that a queue that is away is asked less and less often. */
  async function send(command: never, options: { readonly abortSignal: AbortSignal }): Promise<unknown> {
    const isReceiving = (command as object) instanceof ReceiveMessageCommand
    try {
      const answer = await connection.send(command, options)
      if (isReceiving) failures = 0
      return answer
    } catch (error) {
      if (isReceiving) await pause(backoffMs(failures++, FAILED), options.abortSignal)
      throw error
    }
  }

  async function settle({ ReceiptHandle, ...received }: SqsMessage): Promise<void> {
    const { receivesMax = Number.POSITIVE_INFINITY, deadUrl } = (await policy()) ?? {}
    const message = messageOf(received)
    const attempt = Number(received.Attributes?.ApproximateReceiveCount ?? 1)
    const id = received.MessageId ?? ''
    const verdict = await judge({ id, message, attempt, attemptsMax: receivesMax })
    const receipt = { QueueUrl: queueUrl, ReceiptHandle }
    if (verdict.outcome === 'later') return hide(receipt, verdict.delayMs)
    if (verdict.outcome === 'dead') {
      if (deadUrl === undefined) return hide(receipt, KEPT_MS)
      const why = { reason: verdict.reason, attempts: String(attempt) }
      await connection.send(new SendMessageCommand({ QueueUrl: deadUrl, ...sqsMessage(message, why) }))
    }
    if (verdict.outcome === 'again') {
      await connection.send(new SendMessageCommand({ QueueUrl: queueUrl, ...sqsMessage(message) }))
    }
    await connection.send(new DeleteMessageCommand(receipt))
  }

  async function hide(receipt: Receipt, ms: number): Promise<void> {
    const VisibilityTimeout = Math.min(SECONDS_MAX, Math.max(SECONDS_MIN, Math.ceil(ms / 1000)))
    await connection.send(new ChangeMessageVisibilityCommand({ ...receipt, VisibilityTimeout }))
  }

  const poller = Poller.create({
    queueUrl,
    sqs: { send } as unknown as SQSClient,
    batchSize: 1,
    waitTimeSeconds: LONG_POLL_MS / 1000,
    visibilityTimeout: VISIBILITY_MS / 1000,
    heartbeatInterval: HEARTBEAT_MS / 1000,
    // `send` pauses after what has failed: another 10 s would be added where the queue is not there, or access is denied.
    authenticationErrorTimeout: 0,
    messageAttributeNames: ['All'],
    messageSystemAttributeNames: ['ApproximateReceiveCount'],
    shouldDeleteMessages: false,
    async handleMessage(message) {
      // A verdict that cannot be told is known when the message comes again.
      working = settle(message).catch(() => {})
      await working
      working = undefined
      return undefined
    },
  })
  // The connection tells of them.
  poller.on('error', () => {})
  poller.start()
  return {
    async stop() {
      // What arrives on a poll that is given up waits out its visibility.
      poller.stop({ abort: working === undefined })
      await working
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}
