import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { Environment } from '../bench/environment.ts'
import { whole } from '../bench/text.ts'
import type { Act, Played } from './act.ts'
import { type Bucket, bucketsOf } from './recording.ts'
import { type Claim, evidenceOf, leniency, summaryOf, type Verdict, verdictOf } from './verdict.ts'
import { milliseconds } from './words.ts'

const WIDTH = 100
const SPARKS = '▁▂▃▄▅▆▇█'
const SPARKS_MAX = 60
const INDENT = '           '
const VERDICTS = { holds: '✓ pass', 'not judged': '~ not judged', fails: '✗ FAIL' } as const
const COLOURS = { holds: 'green', 'not judged': 'yellow', fails: 'red' } as const

export interface Terminal {
  begins(conditions: Environment, seed: number): void
  actBegins(act: Act, number: number): void
  now(atMs: number, what: string): void
  mark(atMs: number, what: string): void
  claim(claim: Claim): void
  actEnds(played: Played): void
  ends(played: readonly Played[], tookMs: number, report: string): void
}

/** Colours are for a terminal alone; in a file or a pipe there is plain text. */
export function createTerminal(stream: Writable): Terminal {
  const styled = (format: Parameters<typeof styleText>[0], text: string) =>
    styleText(format, text, { stream, validateStream: true })
  const say = (line = '') => void stream.write(`${line}\n`)
  const time = (ms: number) => styled('gray', `${(ms / 1000).toFixed(1).padStart(7)} s`)
  return {
    begins({ commit, cpu, cores, node }, seed) {
      say(styled('bold', 'multi-aws: the story of its tiers, on real processes'))
      say(styled('gray', `commit ${commit}, seed ${seed}, Node ${node}, ${cores} cores (${cpu})`))
    },
    actBegins({ name, tier, title, why }, number) {
      say()
      say(styled(['bold', 'cyan'], `${number}  ${title}`) + styled('gray', `  tier ${tier}, --act ${name}`))
      for (const line of wrapped(why, WIDTH - 3)) say(styled('italic', `   ${line}`))
    },
    now: (atMs, what) => say(`${time(atMs)}  ${what}`),
    mark: (atMs, what) => say(`${time(atMs)}  ${styled('yellow', `▼ ${what}`)}`),
    claim(claim) {
      const { says, verdict } = claim
      say(`   ${styled(formatOf(verdict), VERDICTS[verdict])}  ${says}`)
      say(`${INDENT}${styled(verdict === 'fails' ? 'red' : 'gray', evidenceOf(claim))}`)
    },
    actEnds({ recording, patience }) {
      const spared = leniency(patience)
      if (spared !== undefined) say(styled('gray', `   ${spared}`))
      const everyMs = Math.max(100, Math.ceil(recording.nowMs() / SPARKS_MAX / 100) * 100)
      const buckets = bucketsOf(recording, everyMs)
      if (buckets.length === 0) return
      for (const line of sparklines(buckets, everyMs)) say(styled('blue', `   ${line}`))
    },
    ends(played, tookMs, report) {
      say()
      say(
        styled(['bold', COLOURS[verdictOf(played)]], summaryOf(played)) +
          styled('gray', `, in ${milliseconds(tookMs)}`),
      )
      say(`report: ${report}`)
    },
  }
}

function formatOf(verdict: Verdict): Parameters<typeof styleText>[0] {
  return verdict === 'fails' ? ['bold', COLOURS[verdict]] : COLOURS[verdict]
}

/** Longest answers and answers a second, one character for each stretch of `everyMs`. */
function sparklines(buckets: readonly Bucket[], everyMs: number): string[] {
  const perSecond = buckets.map(({ answered }) => (answered * 1000) / everyMs)
  const p99 = buckets.map(({ p99Ms }) => p99Ms)
  const highest = (values: readonly number[]) =>
    Math.max(0, ...values.filter((value) => !Number.isNaN(value)))
  return [
    `p99      ${sparkline(p99)}  up to ${milliseconds(highest(p99))}`,
    `answers  ${sparkline(perSecond)}  up to ${whole(highest(perSecond))}/s, each ${everyMs} ms`,
  ]
}

/** A character a value, as high as its share of the highest; a gap where there is none. */
function sparkline(values: readonly number[]): string {
  const highest = Math.max(...values.filter((value) => !Number.isNaN(value)), Number.MIN_VALUE)
  return values
    .map((value) =>
      Number.isNaN(value) || value === 0
        ? ' '
        : SPARKS[Math.min(SPARKS.length - 1, Math.floor((value / highest) * SPARKS.length))],
    )
    .join('')
}

function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
