import { Registry } from 'prom-client'
import { createSender } from '../../src/worker/sender.ts'
import { createDatabase } from '../support/postgres.ts'
import { startPostgresData } from '../support/postgres-store.ts'
import { startSqsServer } from '../support/sqs.ts'
import { startSqsQueue } from '../support/sqs-queue.ts'
import { workContract } from './work-contract.ts'

workContract('sqs (emulated)', async () => {
  const [database, server] = await Promise.all([createDatabase(), startSqsServer()])
  const { environment } = await server.createQueue()
  const start = async () => {
    const data = await startPostgresData({ DATABASE_URL: database.url })
    const queue = await startSqsQueue(environment())
    const sender = createSender(data.outbox, queue, new Registry())
    sender.start()
    return { ...data, queue, sender }
  }
  const places = [await start(), await start()] as const
  return {
    places,
    async stop() {
      for (const { store, queue, sender } of places) {
        await sender.stop()
        queue.close()
        await store.close()
      }
      await server[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
})
