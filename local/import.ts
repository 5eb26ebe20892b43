/** `npm run import -- FILE`: sends a file to a running service, and shows how far it is until it has been applied. */
import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../app/src/domain/backoff.ts'
import { Failure } from './component.ts'
import { type Options, parseOptions, USAGE } from './import-options.ts'
import { sayLine, showProgress } from './progress.ts'

/** `EX_UNAVAILABLE` of sysexits.h. */
const EXIT_UNAVAILABLE = 69
const POLL_MS = 200
const BACKOFF = { baseMs: 200, maxMs: 5000 }
/** What one answer may take. */
const ANSWER_MS_MAX = 10_000
const ERRORS_SHOWN = 10

interface Import {
  readonly state: string
  readonly detail?: string
  readonly lines: Readonly<Record<'total' | 'applied' | 'rejected' | 'superseded', number>>
  readonly errors: readonly { readonly line: number; readonly code: string; readonly detail: string }[]
  readonly finishedAt: string | null
}

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options === undefined) {
      process.stdout.write(`${USAGE}\n`)
      return 0
    }
    const { wish } = options
    return tell(await follow('id' in wish ? `/imports/${wish.id}` : await upload(wish, options), options))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    sayLine(error.message)
    return error.exitCode
  }
}

/** Resolves to the import's path. */
async function upload(
  { file, bytes }: { readonly file: string; readonly bytes: number },
  { url }: Options,
): Promise<string> {
  let sent = 0
  const body = createReadStream(file).on('data', (chunk) => {
    sent += chunk.length
    showProgress('sending', sent, bytes)
  })
  const type = extname(file).toLowerCase() === '.csv' ? 'text/csv' : 'application/x-ndjson'
  const answer = await fetch(`${url}/imports`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: Readable.toWeb(body) as ReadableStream,
    duplex: 'half',
  } as RequestInit).catch((error): never => {
    const reason = reasonOf(error)
    const advice = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(reason)
      ? 'is it running? npm start'
      : 'whether it was accepted is not known'
    throw new Failure(`${reason}: ${advice}`, EXIT_UNAVAILABLE)
  })
  const path = answer.headers.get('location')
  if (answer.status !== 202 || path === null)
    throw new Failure(
      `The service has refused it: ${answer.status} ${await detailOf(answer)}`,
      EXIT_UNAVAILABLE,
    )
  sayLine(`accepted as ${path}`)
  return path
}

/** Resolves when it is finished. A service that does not answer may come back: the import outlives it. */
async function follow(path: string, { url, waitMs }: Options): Promise<Import> {
  let answeredAtMs = performance.now()
  for (let failures = 0; ; ) {
    const found = await ask(url + path, Math.min(ANSWER_MS_MAX, waitMs))
    if (typeof found === 'string') {
      if (failures++ === 0) sayLine(`${found}: asking again`)
      if (performance.now() - answeredAtMs >= waitMs)
        throw new Failure(
          `No answer for ${waitMs / 1000} s. To follow it later: npm run import -- --follow ${path.split('/').at(-1)} --url ${url}`,
          EXIT_UNAVAILABLE,
        )
    } else {
      failures = 0
      answeredAtMs = performance.now()
      const { total, applied, rejected, superseded } = found.lines
      showProgress('applying', applied + rejected + superseded, total)
      if (found.finishedAt !== null) return found
    }
    await delay(POLL_MS + backoffMs(failures, BACKOFF))
  }
}

/** Resolves to why there is no answer when a later one may be better. */
async function ask(url: string, timeoutMs: number): Promise<Import | string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    if (answer.ok) return (await answer.json()) as Import
    const reason = `${answer.status} ${await detailOf(answer)}`
    if (answer.status < 500) throw new Failure(`The service does not tell of it: ${reason}`, 1)
    return reason
  } catch (error) {
    if (error instanceof Failure) throw error
    return reasonOf(error as Error)
  }
}

async function detailOf(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string }
  return problem.detail ?? ''
}

/** Where several addresses were tried, the error has a code and no message. */
function reasonOf({ message, cause }: Error): string {
  const { message: why, code } = (cause ?? {}) as NodeJS.ErrnoException
  return why || code || message
}

function tell({ state, detail, lines, errors }: Import): number {
  const rejected = lines.rejected === 0 ? '' : `, ${lines.rejected} of ${lines.total} lines rejected`
  sayLine(`${state}${rejected}${detail === undefined ? '' : `: ${detail}`}`)
  process.stdout.write(`${JSON.stringify(lines)}\n`)
  for (const { line, code, detail } of errors.slice(0, ERRORS_SHOWN))
    sayLine(`line ${line}: ${code}: ${detail}`)
  if (lines.rejected > ERRORS_SHOWN) sayLine(`and ${lines.rejected - ERRORS_SHOWN} more`)
  return state === 'succeeded' && lines.rejected === 0 ? 0 : 1
}
