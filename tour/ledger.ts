import { ask, type Reply } from '../app/test/support/ask.ts'
import type { Problem } from '../app/test/support/problem.ts'
import { everyArrival } from '../bench/arrivals.ts'
import type { Recording } from './recording.ts'

/**
 * What a client knows of a write from its answer: it is stored, it is not, or nobody can know and the answer says so.
 * `unheard` is the fault that there must not be: an answer of another kind, or none.
 */
export type Verdict = 'acknowledged' | 'refused' | 'unknown' | 'unheard'

export interface Ledger {
  /** With which every id begins. */
  readonly prefix: string
  /** Ids of those writes. */
  with(verdict: Verdict): readonly string[]
  /** No more writes; resolves when those under way have their answers. */
  end(): Promise<void>
}

/**
 * Writes new items at a fixed rate, and keeps what became of each: `startLoad` knows of an answer its status alone, and
 * only the body of a 503 says whether the outcome is known.
 */
export function startLedger(
  recording: Recording,
  { url, prefix, perSecond }: { readonly url: string; readonly prefix: string; readonly perSecond: number },
): Ledger {
  const verdicts = new Map<string, Verdict>()
  const underWay = new Set<Promise<void>>()
  const stop = new AbortController()
  const write = async (id: string, dueMs: number) => {
    const reply = await ask<Problem>({ url }, 'PUT', `/data/${id}`, id).catch(() => undefined)
    recording.add(dueMs, reply?.status === 201 ? 'answered' : reply?.status === 503 ? 'refused' : 'failed')
    verdicts.set(id, verdictOf(reply))
  }
  const writing = everyArrival({ perSecond, signal: stop.signal }, (n, dueMs) => {
    const one = write(`${prefix}-${n}`, dueMs).finally(() => underWay.delete(one))
    underWay.add(one)
  })
  return {
    prefix,
    with: (wanted) => [...verdicts].filter(([, verdict]) => verdict === wanted).map(([id]) => id),
    async end() {
      stop.abort()
      await writing
      await Promise.all(underWay)
    },
  }
}

function verdictOf(reply: Reply<Problem> | undefined): Verdict {
  if (reply?.status === 201) return 'acknowledged'
  if (reply?.status !== 503) return 'unheard'
  return reply.body.code === 'outcome_unknown' ? 'unknown' : 'refused'
}
