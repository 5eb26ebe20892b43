import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type Message as SqsMessage,
} from '@aws-sdk/client-sqs'
import { OperatorFault } from '../../domain/errors.ts'
import { type DeadLetter, type DeadLetters, SEND_MAX } from '../../ports/queue.ts'
import type { SqsConnection } from './connection.ts'
import { messageOf, sqsMessage } from './messages.ts'
import type { RedrivePolicy } from './watch.ts'

export interface DeadLettersOptions {
  readonly connection: SqsConnection
  readonly queueUrl: string
  readonly policy: () => Promise<RedrivePolicy | undefined>
}

/** How long a letter stays away from others who look. */
const HELD_S = 30
const RELEASED_S = 1
/** A look that finds nothing for so long has seen all. */
const WAIT_S = 1

/** SQS shows messages only by giving them out: those that are not dealt with are released again. */
export function createDeadLetters({ connection, queueUrl, policy }: DeadLettersOptions): DeadLetters {
  const { send } = connection

  async function deadQueue(): Promise<string> {
    const deadUrl = (await policy())?.deadUrl
    if (deadUrl !== undefined) return deadUrl
    throw new OperatorFault('The queue has no dead-letter queue: give it a redrive policy that names one.')
  }

  /**
   * As SQS gives them out, up to `max`. A look that takes longer than a letter stays away meets the first ones again: it
   * ends when there is nothing else.
   */
  async function* lettersOf(url: string, max: number): AsyncGenerator<SqsMessage> {
    const seen = new Set<string>()
    while (seen.size < max) {
      const { Messages = [] } = await send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: Math.min(SEND_MAX, max - seen.size),
          VisibilityTimeout: HELD_S,
          WaitTimeSeconds: WAIT_S,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['SentTimestamp'],
        }),
      )
      const fresh = Messages.filter(({ MessageId = '' }) => !seen.has(MessageId))
      if (fresh.length === 0) return
      for (const letter of fresh) seen.add(letter.MessageId ?? '')
      yield* fresh
    }
  }

  async function release(url: string, messages: readonly SqsMessage[]): Promise<void> {
    for (const { ReceiptHandle } of messages) {
      const receipt = { QueueUrl: url, ReceiptHandle, VisibilityTimeout: RELEASED_S }
      await send(new ChangeMessageVisibilityCommand(receipt))
    }
  }

  return {
    async list(max) {
      const url = await deadQueue()
      const messages = await Array.fromAsync(lettersOf(url, max))
      await release(url, messages)
      return messages.map(letterOf).toSorted((a, b) => a.sentAtMs - b.sentAtMs)
    },

    async giveBack(ids) {
      const url = await deadQueue()
      const others: SqsMessage[] = []
      let given = 0
      for await (const letter of lettersOf(url, Number.POSITIVE_INFINITY)) {
        if (ids !== 'all' && !ids.includes(letter.MessageId ?? '')) {
          others.push(letter)
          continue
        }
        // Whoever dies in between has given it back twice, which a handler bears.
        await send(new SendMessageCommand({ QueueUrl: queueUrl, ...sqsMessage(messageOf(letter)) }))
        await send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: letter.ReceiptHandle }))
        given++
      }
      await release(url, others)
      return given
    },
  }
}

function letterOf(message: SqsMessage): DeadLetter {
  const { MessageId = '', MessageAttributes = {}, Attributes = {} } = message
  const attempts = MessageAttributes.attempts?.StringValue
  return {
    id: MessageId,
    message: messageOf(message),
    reason: MessageAttributes.reason?.StringValue,
    attempts: attempts === undefined ? undefined : Number(attempts),
    sentAtMs: Number(Attributes.SentTimestamp),
  }
}
