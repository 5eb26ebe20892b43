import { waitUntil } from '../../../local/wait.ts'
import { createSqsQueue } from '../../src/adapters/sqs/sqs-queue.ts'
import { parseConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Queue } from '../../src/ports/queue.ts'

/** The queue of one process, started and reached. */
export async function startSqsQueue(environment: Readonly<Record<string, string>>): Promise<Queue> {
  // The SDK finds credentials in the environment of its process.
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment
  Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
  const config = parseConfig({ ...environment, DATABASE_URL: 'postgresql://unused' })
  const output = createLog('error')
  const registry = createMetrics(config, { version: 'test', commit: 'test' }, output)
  const queue = createSqsQueue({ config, registry, log: output.log })
  queue.start()
  await waitUntil('the queue is reached', async () => queue.status().state === 'ok', { timeoutMs: 10_000 })
  return queue
}
