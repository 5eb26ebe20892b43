import { setTimeout as delay } from 'node:timers/promises'
import { residentMb } from './process-usage.ts'
import { medians } from './statistics.ts'
import type { Subject } from './subjects.ts'

/** The cost of a start: `startMs` from the start of the process to its first 200 from `/health/ready`. */
export interface StartUp {
  readonly subject: string
  readonly startMs: number
  /** Before the first real request, some time after the start. */
  readonly idleResidentMb: number
  readonly starts: readonly { readonly startMs: number; readonly idleResidentMb: number }[]
}

const SETTLE_MS = 500

/** Starts each subject `times` times, in turn; medians. `dir` takes the logs. */
export async function startUp(subjects: readonly Subject[], times: number, dir: string): Promise<StartUp[]> {
  const measured = subjects.map(({ name }) => ({ subject: name, starts: [] as StartUp['starts'][number][] }))
  for (let time = 0; time < times; time += 1) {
    for (const [index, subject] of subjects.entries())
      measured[index]?.starts.push(await startOnce(subject, dir))
  }
  return measured.map(({ subject, starts }) => ({
    subject,
    ...medians(starts),
    starts,
  }))
}

async function startOnce(subject: Subject, dir: string): Promise<StartUp['starts'][number]> {
  await using running = await subject.start(dir)
  await delay(SETTLE_MS)
  return { startMs: running.startMs, idleResidentMb: residentMb(running.pid) }
}
