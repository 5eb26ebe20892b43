import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import type { SqsConnection } from '../../../src/adapters/sqs/connection.ts'
import { createDeadLetters } from '../../../src/adapters/sqs/dead-letters.ts'

const LOOKS_MAX = 100

/** A dead-letter queue so large that its first letters are in sight again before its last ones have been given out. */
function largeQueue(ids: readonly string[]) {
  let left = [...ids]
  const sent: unknown[] = []
  let looks = 0
  async function send(command: unknown): Promise<unknown> {
    if (command instanceof ReceiveMessageCommand) {
      if (++looks > LOOKS_MAX) throw new Error('it is looked at for ever')
      const given = left.slice(0, 10)
      left = [...left.slice(10), ...given]
      return { Messages: given.map((id) => ({ MessageId: id, ReceiptHandle: id, Body: id })) }
    }
    if (command instanceof SendMessageCommand) sent.push(command.input.MessageBody)
    if (command instanceof DeleteMessageCommand) {
      left = left.filter((id) => id !== command.input.ReceiptHandle)
    }
    return {}
  }
  const connection = { send } as unknown as SqsConnection
  const policy = async () => ({ receivesMax: 5, deadUrl: 'dead' })
  return { letters: createDeadLetters({ connection, queueUrl: 'queue', policy }), sent, left: () => left }
}

const ids = Array.from({ length: 25 }, (_, n) => String(n))

test('letters that come into sight again end a look, and none is told or given back twice', async () => {
  const { letters, sent, left } = largeQueue(ids)
  assert.equal((await letters.list(1000)).length, ids.length)
  assert.equal(await letters.giveBack(['3', '24', 'none']), 2)
  assert.equal(await letters.giveBack('all'), ids.length - 2)
  assert.deepEqual(sent.toSorted(), ids.toSorted())
  assert.deepEqual(left(), [])
})
