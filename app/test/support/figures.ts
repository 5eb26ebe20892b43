import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import type { Service } from './service.ts'

/** What the service's own metrics say at this moment, by name and labels as they are written there. */
export async function metricsOf({ url }: Pick<Service, 'url'>): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url}/metrics`, { headers: { connection: 'close' } })
  const samples = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line): [string, number] => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

export async function residentMib(service: Pick<Service, 'url'>): Promise<number> {
  return ((await metricsOf(service)).get('process_resident_memory_bytes') ?? Number.NaN) / 1024 ** 2
}

/** Whether nothing is in flight but the request that asks for it, nothing waits and no byte is held. */
export async function isAtRest(service: Pick<Service, 'url'>): Promise<boolean> {
  const metrics = await metricsOf(service)
  return (
    metrics.get('http_requests_in_flight') === 1 &&
    metrics.get('http_line_requests') === 1 &&
    metrics.get('http_line_bytes') === 0
  )
}

/** The process's open files and sockets. */
export function openFiles({ pid }: Pick<Service, 'pid'>): number {
  if (existsSync('/proc/self/fd')) return readdirSync(`/proc/${pid}/fd`).length
  return execFileSync('lsof', ['-p', String(pid)], { encoding: 'utf8' }).split('\n').length
}
