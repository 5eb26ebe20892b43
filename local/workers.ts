import type { Component, Context, Failure } from './component.ts'
import { listeningPort } from './ports.ts'
import { keepService } from './service.ts'

/** Workers, each on a port of its own that nobody but this machine reaches. */
export const startWorkers: Component = async (context, onExit) => {
  const ports = new Set<number>()
  while (ports.size < context.workers) ports.add(await listeningPort())
  await Promise.all([...ports].map((port, n) => startWorker(n + 1, port, context, onExit)))
  return { WORKERS: String(ports.size) }
}

async function startWorker(
  number: number,
  port: number,
  context: Context,
  onExit: (failure: Failure) => void,
): Promise<void> {
  const name = workerName(number)
  const own = { ROLE: 'worker', HOST: '127.0.0.1', PORT: String(port), METRICS_PORT: '' }
  const worker = {
    name,
    who: `Worker ${number}`,
    url: `http://127.0.0.1:${port}`,
    env: { ...context.env, ...own },
    prefix: `${name}: `,
  }
  await keepService(worker, context, onExit)
}

/** The first one is `worker-1`. */
export function workerName(number: number): string {
  return `worker-${number}`
}
