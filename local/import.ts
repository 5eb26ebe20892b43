import { createReadStream, statSync } from 'node:fs'
import { extname } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/** `npm run import FILE`: sends a file to a running service and shows how far it is until it has been applied. */

const USAGE = `npm run import -- FILE [--url URL]

  FILE       .csv, or anything else as NDJSON: one {"id","value"} a line
  --url URL  the service (default http://127.0.0.1:8000)
`
/** `EX_USAGE` and `EX_UNAVAILABLE` of sysexits.h. */
const EXIT_USAGE = 64
const EXIT_UNAVAILABLE = 69
const POLL_MS = 200
const BAR_WIDTH = 30
const ERRORS_SHOWN = 10

interface Import {
  readonly state: string
  readonly detail?: string
  readonly lines: Readonly<Record<'total' | 'applied' | 'rejected' | 'superseded', number>>
  readonly errors: readonly { readonly line: number; readonly code: string; readonly detail: string }[]
  readonly finishedAt: string | null
}

const [file, base] = fileAndUrl()
const bytes = sizeOf(file)
process.exitCode = await run().catch((error: Error & { cause?: Error }) => {
  say(`\n${error.cause?.message ?? error.message}\n`)
  return EXIT_UNAVAILABLE
})

async function run(): Promise<number> {
  const path = await upload()
  for (;;) {
    const found = (await (await fetch(base + path)).json()) as Import
    const { total, ...done } = found.lines
    show('applying', done.applied + done.rejected + done.superseded, total)
    if (found.finishedAt !== null) return tell(found)
    await delay(POLL_MS)
  }
}

/** Resolves to the import's path. */
async function upload(): Promise<string> {
  let sent = 0
  const body = createReadStream(file).on('data', (chunk) => {
    sent += chunk.length
    show('sending', sent, bytes)
  })
  const type = extname(file).toLowerCase() === '.csv' ? 'text/csv' : 'application/x-ndjson'
  const answer = await fetch(`${base}/imports`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: Readable.toWeb(body) as ReadableStream,
    duplex: 'half',
  } as RequestInit)
  const { detail } = (await answer.json()) as { detail?: string }
  if (answer.status !== 202) throw new Error(`The service has refused it: ${answer.status} ${detail ?? ''}`)
  return answer.headers.get('location') ?? ''
}

function tell({ state, detail, lines, errors }: Import): number {
  say(`\n${state}${detail === undefined ? '' : `: ${detail}`}\n`)
  process.stdout.write(`${JSON.stringify(lines)}\n`)
  for (const { line, code, detail } of errors.slice(0, ERRORS_SHOWN))
    say(`line ${line}: ${code}: ${detail}\n`)
  if (lines.rejected > ERRORS_SHOWN) say(`and ${lines.rejected - ERRORS_SHOWN} more\n`)
  return state === 'succeeded' && lines.rejected === 0 ? 0 : 1
}

/** A line that is written over; where nobody looks, it is left out. */
function show(what: string, done: number, all: number): void {
  if (!process.stderr.isTTY) return
  const part = all === 0 ? 1 : Math.min(1, done / all)
  const bar = '█'.repeat(Math.round(part * BAR_WIDTH)).padEnd(BAR_WIDTH, '░')
  say(`\r${what.padEnd(9)} ${bar} ${(part * 100).toFixed(0).padStart(3)}%`)
}

function fileAndUrl(): [file: string, url: string] {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { url: { type: 'string', default: 'http://127.0.0.1:8000' } },
    })
    const [name, ...others] = positionals
    if (name !== undefined && others.length === 0) return [name, values.url.replace(/\/$/, '')]
  } catch (error) {
    say(`${(error as Error).message}\n\n`)
  }
  say(USAGE)
  process.exit(EXIT_USAGE)
}

function sizeOf(name: string): number {
  try {
    return statSync(name).size
  } catch {
    say(`${name}: there is no such file\n`)
    process.exit(EXIT_USAGE)
  }
}

function say(text: string): void {
  process.stderr.write(text)
}
