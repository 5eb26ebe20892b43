import { waitUntil } from '../../../local/wait.ts'
import { createQueue } from '../../src/adapters/sqs/create-queue.ts'
import { createSqsQueue } from '../../src/adapters/sqs/sqs-queue.ts'
import { parseConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Queue } from '../../src/ports/queue.ts'

type Environment = Readonly<Record<string, string>>

/** The queue of one process, started and reached. */
export async function startSqsQueue(environment: Environment): Promise<Queue> {
  const queue = lookForSqsQueue(environment)
  await waitUntil('the queue is reached', async () => queue.status().state === 'ok', { timeoutMs: 10_000 })
  return queue
}

/** The queue of one process, started. */
export function lookForSqsQueue(environment: Environment): Queue {
  const { config, output, registry } = partsOf(environment)
  const queue = createSqsQueue({ config, registry, log: output.log })
  queue.start()
  return queue
}

/** As `ROLE=migrate` makes it. */
export async function makeSqsQueue(environment: Environment): Promise<void> {
  const { config, output } = partsOf({ ...environment, ROLE: 'migrate', QUEUE_CREATE: 'true' })
  await createQueue({ config, log: output.log, signal: AbortSignal.timeout(10_000) })
}

function partsOf(environment: Environment) {
  // The SDK finds credentials in the environment of its process.
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment
  Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
  const config = parseConfig({ ...environment, DATABASE_URL: 'postgresql://unused' })
  const output = createLog('error')
  const registry = createMetrics(config, { version: 'test', commit: 'test' }, output)
  return { config, output, registry }
}
