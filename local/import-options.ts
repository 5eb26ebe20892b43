import { accessSync, constants, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Failure } from './component.ts'

const WAIT_S_DEFAULT = '60'
/** `EX_USAGE` and `EX_NOINPUT` of sysexits.h. */
const EXIT_USAGE = 64
const EXIT_NO_INPUT = 66

export const USAGE = `npm run import -- FILE [options]
npm run import -- --follow ID [options]

  FILE         .csv, or anything else as NDJSON: one {"id","value"} a line
  --follow ID  shows how far an import is that was accepted before
  --url URL    the service (default http://127.0.0.1:8000)
  --wait S     for how many seconds a service that does not answer is asked again (default ${WAIT_S_DEFAULT})
  --help       this text`

export interface Options {
  /** What is to be sent, or the import that was accepted before. */
  readonly wish: { readonly file: string; readonly bytes: number } | { readonly id: string }
  /** Without a slash at its end. */
  readonly url: string
  readonly waitMs: number
}

/** Parses the arguments; undefined is a wish for help. Throws a `Failure` that says what is wrong, also with the file. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parsed(args)
  if (values.help) return undefined
  const { follow, url, wait } = values
  const [file, ...others] = positionals
  if (others.length > 0 || (file === undefined) === (follow === undefined))
    throw misused('Expected one FILE, or --follow ID.')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw misused('--url: expected http://…')
  if (!/^[1-9]\d{0,5}$/.test(wait)) throw misused('--wait: expected a number of seconds')
  return {
    wish: file === undefined ? { id: idOf(follow ?? '') } : { file, bytes: sizeOf(file) },
    url: url.replace(/\/$/, ''),
    waitMs: Number(wait) * 1000,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        follow: { type: 'string' },
        url: { type: 'string', default: 'http://127.0.0.1:8000' },
        wait: { type: 'string', default: WAIT_S_DEFAULT },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw misused((error as Error).message)
  }
}

function misused(message: string): Failure {
  return new Failure(`${message}\n\n${USAGE}`, EXIT_USAGE)
}

/** Whoever has the path has the id. */
function idOf(text: string): string {
  return encodeURIComponent(text.replace(/^\/imports\//, ''))
}

function sizeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) throw new Failure(`${file}: there is no such file`, EXIT_NO_INPUT)
  if (found.isDirectory()) throw new Failure(`${file} is a folder: expected a file`, EXIT_NO_INPUT)
  try {
    accessSync(file, constants.R_OK)
  } catch {
    throw new Failure(`${file} may not be read by this user`, EXIT_NO_INPUT)
  }
  return found.size
}
