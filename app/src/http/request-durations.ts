import type { Metric, MetricValueWithName, Registry } from 'prom-client'

const NAME = 'http_request_duration_seconds'
const HELP = 'Time from the arrival of a request to the end of its answer, by route pattern.'
/** Upper bounds of the buckets, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

interface Series {
  readonly labels: { readonly method: string; readonly route: string; readonly status: string }
  /** Observations up to each bound and above the one before; the last is above all bounds. */
  readonly counts: number[]
  sum: number
}

type Value = MetricValueWithName<'method' | 'route' | 'status' | 'le'>

export interface RequestDurations {
  observe(method: string, route: string, status: number, seconds: number): void
}

/**
 * A histogram in `registry` that is written once a request. prom-client's own hashes the labels of every observation,
 * which cost a tenth of all that a GET costs; here a series is found by three look-ups and its form made at the scrape.
 */
export function createRequestDurations(registry: Registry): RequestDurations {
  const all: Series[] = []
  const byRoute = new Map<string, Map<string, Map<number, Series>>>()

  function seriesOf(method: string, route: string, status: number): Series {
    return byRoute
      .getOrInsertComputed(route, () => new Map())
      .getOrInsertComputed(method, () => new Map())
      .getOrInsertComputed(status, () => newSeries({ method, route, status: String(status) }))
  }

  function newSeries(labels: Series['labels']): Series {
    const series = { labels, counts: Array.from({ length: BOUNDS.length + 1 }, () => 0), sum: 0 }
    all.push(series)
    return series
  }

  const get = async () => ({ name: NAME, help: HELP, type: 'histogram', values: all.flatMap(valuesOf) })
  registry.registerMetric({ name: NAME, help: HELP, get } as unknown as Metric)

  return {
    observe(method, route, status, seconds) {
      const series = seriesOf(method, route, status)
      let bucket = 0
      while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++
      series.counts[bucket] = (series.counts[bucket] as number) + 1
      series.sum += seconds
    },
  }
}

/** Buckets are cumulative in the exposition format. */
function valuesOf({ labels, counts, sum }: Series): Value[] {
  let total = 0
  const buckets = counts.map((count, index): Value => {
    total += count
    return { metricName: `${NAME}_bucket`, labels: { ...labels, le: BOUNDS[index] ?? '+Inf' }, value: total }
  })
  return [
    ...buckets,
    { metricName: `${NAME}_sum`, labels, value: sum },
    { metricName: `${NAME}_count`, labels, value: total },
  ]
}
