import { accessSync, constants, readFileSync } from 'node:fs'

/** How one variable is read. `parse` throws an `Expectation`, and never says the value: it may be a secret. */
export interface Kind<T> {
  readonly parse: (source: Source) => T
  readonly about: string
  /** Shown in the reference table. */
  readonly expected: string
  readonly fallback: string | undefined
  readonly isSecret: boolean
}

/** What the environment holds for one variable; `file` is the content of the variable's `_FILE` twin. */
export interface Source {
  readonly text: string | undefined
  readonly file: string | undefined
}

/** A secret that may live in a file. `read` takes it from the file again, so that a rotated one is found. */
export interface Secret {
  /** Throws when the file can no longer be read. */
  read(): string
}

/** "Expected …": what is wrong with a variable, in words that do not repeat it. */
export class Expectation extends Error {}

/** Returns what was expected instead, or undefined when the text is as it should be. */
export type Check = (text: string) => string | undefined

export function text(fallback: string, about: string, check?: Check & { expected: string }): Kind<string>
export function text(
  fallback: undefined,
  about: string,
  check?: Check & { expected: string },
): Kind<string | undefined>
export function text(
  fallback: string | undefined,
  about: string,
  check?: Check & { expected: string },
): Kind<string | undefined> {
  return {
    parse: ({ text: given = fallback }) => (given === undefined ? undefined : checked(given, check)),
    about,
    expected: check?.expected ?? 'text',
    fallback,
    isSecret: false,
  }
}

type Range = readonly [min: number, max: number]

export function integer(fallback: number, range: Range, about: string): Kind<number>
export function integer(fallback: undefined, range: Range, about: string): Kind<number | undefined>
export function integer(
  fallback: number | undefined,
  [min, max]: Range,
  about: string,
): Kind<number | undefined> {
  const expected = `an integer from ${min} to ${max}`
  return {
    parse({ text: given }) {
      if (given === undefined) return fallback
      const number = /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN
      if (!(number >= min && number <= max)) throw new Expectation(expected)
      return number
    },
    about,
    expected,
    fallback: fallback?.toString(),
    isSecret: false,
  }
}

export function flag(fallback: boolean, about: string): Kind<boolean> {
  const expected = '`true` or `false`'
  return {
    parse({ text: given }) {
      if (given === undefined) return fallback
      if (given !== 'true' && given !== 'false') throw new Expectation(expected)
      return given === 'true'
    },
    about,
    expected,
    fallback: String(fallback),
    isSecret: false,
  }
}

export function choice<const T extends string>(
  choices: readonly T[],
  fallback: NoInfer<T>,
  about: string,
): Kind<T> {
  const expected = `one of ${choices.map((name) => `\`${name}\``).join(', ')}`
  return {
    parse({ text: given = fallback }) {
      const chosen = choices.find((name) => name === given)
      if (chosen === undefined) throw new Expectation(expected)
      return chosen
    },
    about,
    expected,
    fallback,
    isSecret: false,
  }
}

/** A secret, given by `NAME` or, to be read again at every use, by the file that `NAME_FILE` names. */
export function secret(about: string, check?: Check & { expected: string }): Kind<Secret | undefined> {
  return {
    parse({ text: given, file }) {
      if (given !== undefined && file !== undefined)
        throw new Expectation('only one of itself and its _FILE twin')
      if (given === undefined && file === undefined) return undefined
      const read = () => checked(file === undefined ? (given as string) : secretFromFile(file), check)
      read()
      return { read }
    },
    about,
    expected: check?.expected ?? 'text, not empty',
    fallback: undefined,
    isSecret: true,
  }
}

/** A check for `text` and `secret`: an absolute URL of one of these protocols. */
export function url(protocols: readonly string[]): Check & { expected: string } {
  const expected = `a URL that begins with ${protocols.map((protocol) => `\`${protocol}//\``).join(' or ')}`
  const check: Check = (given) =>
    URL.canParse(given) && protocols.includes(new URL(given).protocol) ? undefined : expected
  return Object.assign(check, { expected })
}

/** A check for `text`: the path of a file that this process may read. */
export const readable: Check & { expected: string } = Object.assign(
  (path: string): string | undefined => {
    try {
      accessSync(path, constants.R_OK)
      return undefined
    } catch {
      return readable.expected
    }
  },
  { expected: 'the path of a readable file' },
)

function checked(given: string, check: Check | undefined): string {
  const expected = check?.(given)
  if (expected !== undefined) throw new Expectation(expected)
  return given
}

function secretFromFile(path: string): string {
  let content: string
  try {
    // A file that was written with an editor ends in a line break, which is not part of the secret.
    content = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Expectation(`its file to be readable (${(error as NodeJS.ErrnoException).code})`)
  }
  if (content === '') throw new Expectation('its file not to be empty')
  return content
}
