import { percentile } from '../bench/statistics.ts'

/** `refused` is a 503, which says that nothing was done or that nobody knows; `failed` is no answer, or a wrong one. */
export type Outcome = 'answered' | 'refused' | 'failed'

export interface Sample {
  /** When the request was due, from the beginning of the act. */
  readonly atMs: number
  /** From then to its end. */
  readonly tookMs: number
  readonly outcome: Outcome
  /** Whether the answer says that the cache was asked and did not have it. */
  readonly isFromStore: boolean
}

export interface Mark {
  readonly atMs: number
  readonly what: string
}

/** What a stretch of time was like for clients. */
export interface Bucket {
  readonly fromMs: number
  readonly answered: number
  readonly refused: number
  readonly failed: number
  /** Of those answered; NaN when there is none. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The requests of one act and its faults, in time. */
export interface Recording {
  readonly samples: readonly Sample[]
  readonly marks: readonly Mark[]
  /** Milliseconds since the beginning. */
  nowMs(): number
  /** `dueMs` is a time of `performance.now()`. */
  add(dueMs: number, outcome: Outcome, isFromStore?: boolean): void
  mark(what: string): void
  /** Those that were due in this stretch of time. */
  between(fromMs: number, toMs: number): Stretch
}

export interface Stretch {
  readonly count: number
  readonly answered: number
  readonly refused: number
  readonly failed: number
  readonly fromStore: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function startRecording(): Recording {
  const startedMs = performance.now()
  const samples: Sample[] = []
  const marks: Mark[] = []
  const nowMs = () => performance.now() - startedMs
  return {
    samples,
    marks,
    nowMs,
    add: (dueMs, outcome, isFromStore = false) =>
      void samples.push({
        ...{ atMs: dueMs - startedMs, tookMs: performance.now() - dueMs },
        ...{ outcome, isFromStore },
      }),
    mark: (what) => void marks.push({ atMs: nowMs(), what }),
    between: (fromMs, toMs) => summary(samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)),
  }
}

function summary(samples: readonly Sample[]): Stretch {
  const count = (wanted: Outcome) => samples.filter(({ outcome }) => outcome === wanted).length
  const tookMs = samples.filter(({ outcome }) => outcome === 'answered').map((sample) => sample.tookMs)
  return {
    count: samples.length,
    answered: count('answered'),
    refused: count('refused'),
    failed: count('failed'),
    fromStore: samples.filter(({ isFromStore }) => isFromStore).length,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    maxMs: percentile(tookMs, 1),
  }
}

/** The whole recording in stretches of `bucketMs`, from the first request to the last. */
export function bucketsOf({ samples }: Pick<Recording, 'samples'>, bucketMs: number): Bucket[] {
  const groups = Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / bucketMs))
  const [first, last] = [Math.min(...groups.keys()), Math.max(...groups.keys())]
  if (groups.size === 0) return []
  return Array.from({ length: last - first + 1 }, (_, n) => {
    const {
      count: _count,
      fromStore: _fromStore,
      maxMs: _maxMs,
      ...rest
    } = summary(groups.get(first + n) ?? [])
    return { fromMs: (first + n) * bucketMs, ...rest }
  })
}
