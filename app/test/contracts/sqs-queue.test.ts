import { after } from 'node:test'
import { type SqsServer, startSqsServer } from '../support/sqs.ts'
import { startSqsQueue } from '../support/sqs-queue.ts'
import { ATTEMPTS_MAX, queueContract } from './queue-contract.ts'

let server: SqsServer | undefined
after(() => server?.[Symbol.asyncDispose]())

queueContract('sqs (emulated)', async () => {
  const started = await startSqsServer()
  server = started
  return async () => {
    const { environment } = await started.createQueue({ receivesMax: ATTEMPTS_MAX })
    const queue = await startSqsQueue(environment())
    return { queue, stop: async () => queue.close() }
  }
})
