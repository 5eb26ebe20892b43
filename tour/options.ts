import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Act } from './act.ts'

export interface Options {
  /** In the order of the story. */
  readonly acts: readonly Act[]
  readonly short: boolean
  readonly seed: number
  /** Where the report goes. */
  readonly report: string
  /** Where a picture of the report's beginning goes, if one is wanted. */
  readonly picture: string | undefined
  readonly help: boolean
}

export function usage(acts: readonly Act[]): string {
  const names = acts.map(({ name, title }) => `    ${name.padEnd(12)} ${title}`)
  return `npm run tour -- [options]

  --act NAME  plays this act alone; may be given several times
  --short     shorter stretches of load and smaller imports: for a test
  --seed N    the random choices of another run
  --report F  where the report goes (default tour/report.html)
  --picture F a picture of its beginning, as PNG; headless Chromium takes it
  --help      this text

  acts:
${names.join('\n')}

Plays the story of the tiers on real processes and writes a report with their plots. Exits with 1 if a claim fails. A time that is missed
where others use the machine too is not judged (~): it is told, and fails nothing.
`
}

/** Parses the command line. Throws an error whose message says which argument is wrong. */
export function parseOptions(args: readonly string[], acts: readonly Act[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      act: { type: 'string', multiple: true, default: [] },
      short: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      report: { type: 'string', default: join(import.meta.dirname, 'report.html') },
      picture: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = values.act.find((wanted) => !acts.some(({ name }) => name === wanted))
  if (unknown !== undefined)
    throw new Error(`--act: expected one of ${acts.map(({ name }) => name).join(', ')}`)
  const seed = Number(values.seed)
  if (!/^\d+$/.test(values.seed) || seed >= 2 ** 32) throw new Error('--seed: expected a number below 2^32')
  const chosen = values.act.length === 0 ? acts : acts.filter(({ name }) => values.act.includes(name))
  return {
    acts: chosen,
    short: values.short,
    seed,
    report: values.report,
    picture: values.picture,
    help: values.help,
  }
}
