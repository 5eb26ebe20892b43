import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { parseOptions as parseBenchOptions } from '../../bench/options.ts'
import { parseOptions as parseStartOptions } from '../../local/options.ts'
import { acts } from '../../tour/acts/all.ts'
import { parseOptions as parseTourOptions } from '../../tour/options.ts'
import { filesNamed, type Match, matchesIn, ownFiles, textOf } from './support/repository.ts'

/** What documents name exists. Whether it is true, other tests say. */

const documents = filesNamed('.md')

/** In the order of a document: what stands in backticks or in a fenced block. */
const CODE = /^```[^\n]*\n([\s\S]*?)^```|`([^`]+)`/gm

interface Code {
  readonly place: string
  readonly text: string
}

const codes: readonly Code[] = documents.flatMap((path) =>
  matchesIn(path, CODE).map(({ place, groups: [, block, span] }) => ({
    place,
    // A span may be broken where a line ends.
    text: block ?? (span as string).replace(/\s+/g, ' '),
  })),
)

function assertNone(faults: readonly string[]): void {
  assert.ok(faults.length === 0, `\n${faults.join('\n')}\n`)
}

/** Every match of a global pattern in the code of the documents. */
function named(pattern: RegExp): { readonly place: string; readonly groups: Match['groups'] }[] {
  return codes.flatMap(({ place, text }) =>
    [...text.matchAll(pattern)].map((groups) => ({ place, groups: [...groups] })),
  )
}

test('a link leads to a file of ours, and to a heading that is there', () => {
  const links = documents.flatMap((path) =>
    matchesIn(path, /\]\((?![a-z]+:)([^)\s#]*)(?:#([^)\s]+))?\)/g).map(
      ({ place, groups: [link, target = '', anchor] }) => {
        const folder = target.startsWith('/') ? '' : posix.dirname(path)
        const to = target === '' ? path : posix.join(folder, decodeURIComponent(target))
        return { place, link, to, anchor }
      },
    ),
  )
  const broken = links.filter(({ to, anchor }) =>
    anchor === undefined
      ? !places.has(to.replace(/\/$/, ''))
      : !documents.includes(to) || !anchorsOf(to).has(anchor),
  )
  assertNone(broken.map(({ place, link }) => `${place}: ${link} leads nowhere; correct the link`))
})

/** Every file of ours, and every folder that holds one, from the root. */
const places = new Set(['.', ...ownFiles.flatMap(withFolders)])

function withFolders(path: string): string[] {
  return path === '.' ? [] : [path, ...withFolders(posix.dirname(path))]
}

/** The anchors that GitHub gives to headings: a second one of the same words would end in `-1`. */
function anchorsOf(path: string): Set<string> {
  const text = textOf(path).replace(/^```[\s\S]*?^```/gm, '')
  const slugs = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set(
    slugs.map((slug, at) => {
      const before = slugs.slice(0, at).filter((one) => one === slug).length
      return before === 0 ? slug : `${slug}-${before}`
    }),
  )
}

test('a script that is named is in package.json', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  const unknown = named(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g).filter(
    ({ groups: [, script, lifecycle = ''] }) => !Object.hasOwn(scripts, script ?? lifecycle),
  )
  assertNone(unknown.map(({ place, groups: [command] }) => `${place}: package.json has no \`${command}\``))
})

const parsers: Readonly<Record<string, (args: readonly string[]) => unknown>> = {
  start: parseStartOptions,
  'run bench': parseBenchOptions,
  'run tour': (args) => parseTourOptions(args, acts),
}

test('a command of the bench, the tour or the launcher that is named can be given', () => {
  const faults = named(/\bnpm (start|run bench|run tour) -- ([^#\n]+)/g).flatMap(
    ({ place, groups: [command, script = '', rest = ''] }) => {
      const args = rest.trim().split(/ +/)
      try {
        parsers[script]?.(args)
        return []
      } catch (error) {
        return [`${place}: \`${command}\`: ${(error as Error).message}`]
      }
    },
  )
  assertNone(faults)
})

/** A path with a folder in it, or the name of a file of the kinds that are written about. */
const PATHS =
  /(?<![\w/.$:@-])(?:\.?[\w*{},-]+\/)+[\w.*{},-]*|(?<![\w/.-])[\w*-][\w.*-]*\.(?:[cm]?ts|sql|lua)\b/g
const TOP_FOLDERS = new Set(ownFiles.map((path) => path.split('/')[0] as string))
/** From where documents say paths: the root, and what most of them speak of. */
const BASES = ['', 'app/', 'app/src/']
const names = new Set(ownFiles.map((path) => posix.basename(path)))

test('a path that is named leads to a file or a folder of ours', () => {
  const faults = named(PATHS).filter(({ groups: [path = ''] }) => isOfOurs(path) && !exists(path))
  assertNone(faults.map(({ place, groups: [path] }) => `${place}: there is no ${path}`))
})

/** Other paths are those of the API, of the machine, of packages. */
function isOfOurs(path: string): boolean {
  return TOP_FOLDERS.has(path.split('/')[0] as string) || /\.([cm]?ts|sql|lua)$/.test(path)
}

/** `*`, `{a,b}` and the N of `tier-N` stand for what they may. */
function exists(path: string): boolean {
  const wanted = path.replace(/[/.,]+$/, '').replaceAll('tier-N', 'tier-*')
  const hasFolder = path.includes('/')
  const known = hasFolder ? places : names
  const wanteds = hasFolder ? BASES.map((base) => base + wanted) : [wanted]
  if (!/[*{]/.test(wanted)) return wanteds.some((one) => known.has(one))
  return wanteds.some((one) => known.values().some((place) => posix.matchesGlob(place, one)))
}

test('a test that is named by its words is in the file beside them', () => {
  const faults = documents.flatMap((path) =>
    matchesIn(path, /`([\w./-]+\.ts)`\s+"([^"]+)"/g).filter(({ groups: [, file = '', words = ''] }) => {
      const source = ownFiles.includes(file) ? textOf(file).replaceAll("\\'", "'") : ''
      return !source.includes(words.replace(/\s+/g, ' '))
    }),
  )
  assertNone(faults.map(({ place, groups: [, file, words] }) => `${place}: ${file} has no test "${words}"`))
})

/** Words of Docker Compose that we do not use, and say why. */
const FOREIGN = ['service_healthy', 'service_completed_successfully']

test('a variable, a metric or an error code that is named is one that code knows', () => {
  const known = ownFiles.filter((path) => !/\.(md|patch)$/.test(path)).map(textOf)
  const isKnown = (name: string) => FOREIGN.includes(name) || known.some((text) => text.includes(name))
  const unknown = named(/(?<![\w/.-])[A-Za-z]+(?:_[A-Za-z]+)+(?![\w.-])/g).filter(
    ({ groups: [name = ''] }) => !isKnown(name),
  )
  assertNone(unknown.map(({ place, groups: [name] }) => `${place}: no code of ours knows ${name}`))
})
