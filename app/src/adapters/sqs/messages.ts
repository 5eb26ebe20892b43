import type { MessageAttributeValue, Message as SqsMessage } from '@aws-sdk/client-sqs'
import type { Message } from '../../ports/queue.ts'

/** What a message of ours has besides its body. */
export type Attributes = Readonly<Record<string, string | undefined>>

/** As SQS takes it. The attributes are `type`, `traceparent` and, of a dead letter, `reason` and `attempts`. */
export function sqsMessage({ type, body, traceparent }: Message, more: Attributes = {}) {
  return { MessageBody: body, MessageAttributes: attributesOf({ type, traceparent, ...more }) }
}

export function messageOf({ Body = '', MessageAttributes = {} }: SqsMessage): Message {
  return {
    type: MessageAttributes.type?.StringValue ?? '',
    body: Body,
    traceparent: MessageAttributes.traceparent?.StringValue,
  }
}

/** SQS takes neither empty values nor control characters (SendMessage, Amazon SQS API Reference). */
function attributesOf(attributes: Attributes): Record<string, MessageAttributeValue> {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(
    given.map(([name, value]) => [name, { DataType: 'String', StringValue: printable(value as string) }]),
  )
}

const CHARACTERS_MAX = 1000

function printable(text: string): string {
  return text
    .replace(/[\p{Cc}\ufffe\uffff]/gu, ' ')
    .slice(0, CHARACTERS_MAX)
    .toWellFormed()
}
