import { whole } from '../bench/text.ts'
import { type Bucket, bucketsOf, type Mark, type Recording } from './recording.ts'
import { escaped, milliseconds } from './words.ts'

/** In the units of the picture, which is scaled to the page's width. */
const WIDTH = 920
const LEFT = 64
const RIGHT = 14
const LABELS = { top: 2, row: 15 }
const LATENCY = { top: 38, height: 120 }
const ANSWERS = { top: 186, height: 74 }
const AXIS = ANSWERS.top + ANSWERS.height
const HEIGHT = AXIS + 24
/** Of a letter of a mark's label. */
const LETTER = 6.4
const BUCKETS_MAX = 120
const BUCKET_MS_MIN = 100

type Scale = (value: number) => number

/** One act as an SVG: latency over throughput, each in time, with the faults marked. */
export function plot(recording: Recording, title: string): string {
  const [first, last] = [recording.samples[0], recording.samples.at(-1)]
  if (first === undefined || last === undefined) return ''
  const [fromMs, toMs] = [first.atMs, last.atMs]
  const bucketMs = Math.max(BUCKET_MS_MIN, Math.ceil((toMs - fromMs) / BUCKETS_MAX / 50) * 50)
  // The first and the last stretch have only a part of their requests.
  const buckets = bucketsOf(recording, bucketMs).slice(1, -1)
  const x: Scale = (ms) => LEFT + ((ms - fromMs) / (toMs - fromMs)) * (WIDTH - LEFT - RIGHT)
  const marks = recording.marks.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(`${title}: latency and answers in time`)}">`,
    latencyPanel(buckets, bucketMs, x),
    answersPanel(buckets, bucketMs, x),
    timeAxis(fromMs, toMs, x),
    marksOver(marks, x),
    '</svg>',
  ].join('\n')
}

/** Logarithmic: a millisecond and a second are both to be seen. */
function latencyPanel(buckets: readonly Bucket[], bucketMs: number, x: Scale): string {
  const values = buckets.flatMap(({ p50Ms, p99Ms }) => [p50Ms, p99Ms]).filter((ms) => ms > 0)
  const low = Math.floor(Math.log10(Math.min(1, ...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(10, ...values))))
  const bottom = LATENCY.top + LATENCY.height
  const y: Scale = (ms) => bottom - ((Math.log10(ms) - low) / (high - low)) * LATENCY.height
  const ticks = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n))
  const line = (kind: 'p50' | 'p99', of: (bucket: Bucket) => number) =>
    `<path class="${kind}" d="${pathOf(buckets.map((bucket) => ({ x: x(bucket.fromMs + bucketMs / 2), y: y(of(bucket)) })))}"/>`
  return [
    ...ticks.map((ms) => rule(y(ms), tickOf(ms))),
    line('p99', ({ p99Ms }) => p99Ms),
    line('p50', ({ p50Ms }) => p50Ms),
  ].join('\n')
}

function tickOf(ms: number): string {
  return ms < 1 ? `${ms} ms` : ms >= 1000 ? `${whole(ms / 1000)} s` : `${whole(ms)} ms`
}

function answersPanel(buckets: readonly Bucket[], bucketMs: number, x: Scale): string {
  const perSecond = (count: number) => (count * 1000) / bucketMs
  const total = ({ answered, refused, failed }: Bucket) => perSecond(answered + refused + failed)
  const highest = niceAbove(Math.max(...buckets.map(total), 1))
  const y: Scale = (rate) => AXIS - (rate / highest) * ANSWERS.height
  const width = Math.max(0.5, x(bucketMs) - x(0) - 0.6)
  const bars = buckets.flatMap((bucket) => {
    let below = 0
    return (['answered', 'refused', 'failed'] as const).map((kind) => {
      const rate = perSecond(bucket[kind])
      const top = y(below + rate)
      const height = y(below) - top
      below += rate
      if (rate === 0) return ''
      return `<rect class="${kind}" x="${px(x(bucket.fromMs))}" y="${px(top)}" width="${px(width)}" height="${px(height)}"/>`
    })
  })
  return [rule(AXIS, '0'), rule(y(highest), `${whole(highest)}/s`), ...bars].filter(Boolean).join('\n')
}

/** 1, 2 or 5 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 2.5, 5, 10].find((times) => times * power >= value) ?? 10)
}

function timeAxis(fromMs: number, toMs: number, x: Scale): string {
  const seconds = (toMs - fromMs) / 1000
  const every = [1, 2, 5, 10, 20, 50].find((step) => seconds / step <= 12) ?? 100
  const first = Math.ceil(fromMs / 1000 / every) * every
  const count = Math.floor((toMs / 1000 - first) / every) + 1
  return Array.from({ length: Math.max(0, count) }, (_, n) => first + n * every)
    .map(
      (at) =>
        `<text class="tick" x="${px(x(at * 1000))}" y="${AXIS + 16}" text-anchor="middle">${at} s</text>`,
    )
    .join('\n')
}

/** A label that would run into the one before it goes into the other row. Labels lie over the lines of their neighbours. */
function marksOver(marks: readonly Mark[], x: Scale): string {
  const ends = [0, 0]
  const labels = marks.map(({ atMs, what }) => {
    const width = what.length * LETTER
    const from = Math.min(x(atMs) + 4, WIDTH - width)
    const row = from >= (ends[0] ?? 0) ? 0 : 1
    ends[row] = from + width + LETTER
    const y = LABELS.top + 10 + row * LABELS.row
    return `<text x="${px(from)}" y="${y}">${escaped(what)}</text>`
  })
  const lines = marks.map(({ atMs }) => `<path d="M${px(x(atMs))} ${LABELS.top} V${AXIS}"/>`)
  return `<g class="mark">${lines.join('')}${labels.join('')}</g>`
}

function rule(y: number, label: string): string {
  return `<path class="rule" d="M${LEFT} ${px(y)} H${WIDTH - RIGHT}"/><text class="tick" x="${LEFT - 8}" y="${px(y + 4)}" text-anchor="end">${label}</text>`
}

/** A line with a gap where there is no value, for nobody was answered then. */
function pathOf(points: readonly { readonly x: number; readonly y: number }[]): string {
  let pen = 'M'
  return points
    .map((point) => {
      if (Number.isNaN(point.y)) {
        pen = 'M'
        return ''
      }
      const step = `${pen}${px(point.x)} ${px(point.y)}`
      pen = 'L'
      return step
    })
    .filter((step) => step !== '')
    .join(' ')
}

function px(value: number): string {
  return value.toFixed(1)
}

export const plotLegend = [
  ['p50', 'p50 of the answers'],
  ['p99', 'p99'],
  ['answered', 'answered'],
  ['refused', '503: refused, or outcome unknown'],
  ['failed', 'failed'],
] as const

/** What a plot's stretch shows at most, for those who cannot see it. */
export function plotText(recording: Recording): string {
  const { count, p50Ms, p99Ms } = recording.between(0, Number.POSITIVE_INFINITY)
  return `${whole(count)} requests; of those answered p50 ${milliseconds(p50Ms)}, p99 ${milliseconds(p99Ms)}`
}
