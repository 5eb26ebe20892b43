import { createMemoryQueue } from '../../src/adapters/memory/memory-queue.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { ATTEMPTS_MAX, queueContract } from './queue-contract.ts'

queueContract('memory', async () => async () => ({
  queue: createMemoryQueue({ clock: systemClock, attemptsMax: ATTEMPTS_MAX }),
  async stop() {},
}))
