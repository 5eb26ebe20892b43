import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import type { SqsQueue, SqsServer } from '../sqs.ts'

export interface DeadLetter {
  readonly body: string
  readonly type: string | undefined
  /** Why it was given up, and after how many attempts; undefined when nobody said so. */
  readonly reason: string | undefined
  readonly attempts: string | undefined
  /** Sends it to its queue again, and takes it out of the dead-letter queue. */
  giveBack(): Promise<void>
}

/** Takes what waits in the dead-letter queue, up to ten, for a second. */
export async function takeDeadLetters({ client }: SqsServer, queue: SqsQueue): Promise<DeadLetter[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queue.deadUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      VisibilityTimeout: 1,
    }),
  )
  return Messages.map(({ Body = '', MessageAttributes = {}, ReceiptHandle }) => {
    const attribute = (name: string) => MessageAttributes[name]?.StringValue
    return {
      body: Body,
      type: attribute('type'),
      reason: attribute('reason'),
      attempts: attribute('attempts'),
      async giveBack() {
        await queue.send(Body, attribute('type'))
        await client.send(new DeleteMessageCommand({ QueueUrl: queue.deadUrl, ReceiptHandle }))
      },
    }
  })
}
