import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { type Import, importsBelow, packageOf } from './support/imports.ts'
import { filesNamed, matchesIn, ownFiles, root, textOf } from './support/repository.ts'

const SRC = 'app/src/'
const LINES_MAX = 400

/**
 * Who may import whom in app/src. Each folder is a part; so is wire.ts, and `process` is every other file at the top.
 * A part's own files may import each other, but adapters are one part each. `mechanisms` are the files that lie beside
 * the adapters' folders, for any of them to use. Dynamic imports count.
 */
const parts: Readonly<
  Record<string, { may: readonly string[]; typesOf?: readonly string[]; packages: boolean }>
> = {
  domain: { may: [], packages: false },
  ports: { may: ['domain'], packages: false },
  adapters: { may: ['domain', 'ports', 'mechanisms'], typesOf: ['config', 'process'], packages: true },
  mechanisms: { may: ['domain', 'ports'], typesOf: ['process'], packages: false },
  cache: { may: ['domain', 'ports'], typesOf: ['config', 'process'], packages: true },
  http: { may: ['domain', 'ports'], typesOf: ['config', 'process'], packages: true },
  worker: { may: ['domain', 'ports'], typesOf: ['config', 'process'], packages: true },
  config: { may: [], packages: false },
  wire: { may: ['adapters', 'cache', 'config', 'domain', 'ports'], typesOf: ['process'], packages: false },
  process: { may: ['config', 'domain', 'http', 'ports', 'wire', 'worker'], packages: true },
}

function partOf(path: string): string {
  const [first = '', second, third] = path.slice(SRC.length).split('/')
  if (first === 'adapters' && third === undefined) return 'mechanisms'
  if (second !== undefined) return first
  return first === 'config.ts' || first === 'wire.ts' ? first.replace('.ts', '') : 'process'
}

/** Two adapters are apart although they are in one row of the table. */
function unitOf(path: string): string {
  return partOf(path) === 'adapters' ? posix.dirname(path.slice(SRC.length)) : partOf(path)
}

const sourceImports = importsBelow(SRC)
const ownSourceImports = sourceImports.filter(
  (one): one is Import & { to: string } => one.to?.startsWith(SRC) === true,
)

function assertNone(faults: readonly string[]): void {
  assert.ok(faults.length === 0, `\n${faults.join('\n')}\n`)
}

test('every folder of app/src has a row in the table of this test', () => {
  const unknown = new Set(
    ownFiles.filter((path) => path.startsWith(SRC) && parts[partOf(path)] === undefined).map(partOf),
  )
  assertNone([...unknown].map((part) => `${SRC}${part}: say in the table of this test what it may import`))
})

test('dependencies point inwards', () => {
  const wrong = ownSourceImports.filter(({ from, to, kind }) => {
    const { may = [], typesOf = [] } = parts[partOf(from)] ?? {}
    if (unitOf(from) === unitOf(to)) return false
    return !may.includes(partOf(to)) && !(kind === 'types' && typesOf.includes(partOf(to)))
  })
  assertNone(
    wrong.map(({ place, from, to }) => {
      const { may = [], typesOf = [] } = parts[partOf(from)] ?? {}
      const types = typesOf.length > 0 ? `, and types of ${typesOf.join(', ')}` : ''
      return `${place} imports ${to}: ${unitOf(from)} may import ${may.join(', ') || 'nothing of ours'}${types}; pass it in, or move it inwards`
    }),
  )
})

test('wire.ts imports adapters on demand, so that a tier never loads those of a higher one', () => {
  const eager = ownSourceImports.filter(
    ({ from, to, kind }) => unitOf(from) !== unitOf(to) && partOf(to) === 'adapters' && kind === 'static',
  )
  assertNone(
    eager.map(
      ({ place, specifier }) => `${place}: write \`await import('${specifier}')\` where it is needed`,
    ),
  )
})

test('no file of app/src imports itself through others', () => {
  const targets = Map.groupBy(ownSourceImports, ({ from }) => from)
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    if (done.has(path) || trail.includes(path)) return
    for (const { to } of targets.get(path) ?? []) visit(to, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) visit(path, [])
  assertNone(cycles.map((cycle) => `${cycle}: move what they share into a file of its own`))
})

test('app/src imports nothing outside itself: it alone goes into the image', () => {
  const outside = sourceImports.filter(({ to }) => to !== undefined && !to.startsWith(SRC))
  assertNone(outside.map(({ place, to }) => `${place} imports ${to}: move it into app/src`))
})

test('an import says a whole file name that exists, so that these rules and Node find it', () => {
  const wrong = importsBelow('').filter(({ from, specifier, to }) => {
    // Elsewhere it may be the text of a program that a test runs.
    if (specifier === '') return from.startsWith(SRC)
    return to !== undefined && !(/\.(ts|mjs)$/.test(to) && existsSync(root + to))
  })
  assertNone(
    wrong.map(
      ({ place, specifier }) => `${place}: '${specifier}' has to be the path of a file, with its .ts`,
    ),
  )
})

test('domain, ports, config and wire.ts import no npm package', () => {
  const wrong = sourceImports.filter(
    ({ from, specifier }) => parts[partOf(from)]?.packages === false && packageOf(specifier) !== undefined,
  )
  assertNone(wrong.map(({ place, specifier }) => `${place}: keep ${specifier} in an adapter or in http/`))
})

test('app/package.json lists exactly the packages that app/src imports', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('app/package.json')) as Record<string, object>
  const imported = Map.groupBy(
    // What only gives types is erased, and does not have to be there when the service runs.
    sourceImports.filter(
      ({ kind, specifier }) => kind !== 'types' || !(specifier in (devDependencies ?? {})),
    ),
    ({ specifier }) => packageOf(specifier),
  )
  imported.delete(undefined)
  const missing = [...imported].filter(([name = '']) => !(name in (dependencies ?? {})))
  const unused = Object.keys(dependencies ?? {}).filter((name) => !imported.has(name))
  assertNone([
    ...missing.map(([name, [first]]) => `${first?.place}: run \`npm install --save-exact ${name}\` in app/`),
    ...unused.map((name) => `app/package.json: run \`npm uninstall ${name}\` in app/, nothing imports it`),
  ])
})

const WITHOUT_FORMATTER = [
  '.md',
  '.sql',
  '.yml',
  '.yaml',
  '.env',
  '.sh',
  '.lua',
  '.tf',
  '.conf',
  'Dockerfile',
]

/** What no line of ours may hold. Brackets keep a pattern from finding itself. */
const textRules: readonly { rule: string; in: readonly string[]; pattern: RegExp; advice: string }[] = [
  {
    rule: 'nothing is left for later',
    in: ['.ts', '.mjs', '.md', '.sql', '.yml', '.sh', 'Dockerfile'],
    pattern: /\b(?:TO[D]O|FIXM[E]|X[X]X)\b/g,
    advice: 'do it, or take it out',
  },
  {
    rule: 'no test is left out or run alone',
    in: ['.test.ts'],
    pattern:
      /\b(?:test|t|describe|it|suite)\.(?:only|skip|todo)\b|\{ ?(?:only|skip|todo):|, (?:only|skip|todo):/g,
    advice: 'let it run: a test that cannot is a failure that says what is missing',
  },
  {
    rule: 'no check is switched off for a whole file, nor the compiler for a line',
    in: ['.ts', '.mjs'],
    pattern: /biome-ignore-al[l]|@ts-(?:ignore|nocheck|expect-error)/g,
    advice: 'do what the check asks for',
  },
  {
    rule: 'lock files and npm settings name no registry',
    in: ['package-lock.json', '.npmrc'],
    pattern: /"resolved": "\w+:|\bregistry\s*=|\bregistry\.\w/g,
    advice: 'keep `omit-lockfile-registry-resolved=true` in .npmrc and run `npm install` again',
  },
  {
    rule: 'no line ends in space, and none in CRLF',
    in: WITHOUT_FORMATTER,
    pattern: /[ \t\r]+$/gm,
    advice: 'remove what is behind the last word',
  },
  { rule: 'nothing is indented by tabs', in: WITHOUT_FORMATTER, pattern: /\t/g, advice: 'use spaces' },
  {
    rule: 'a text ends in one line break',
    in: WITHOUT_FORMATTER,
    pattern: /[^\n]$|\n\n$/g,
    advice: 'end the file with one line break',
  },
]

for (const { rule, in: endings, pattern, advice } of textRules) {
  test(rule, () => {
    const found = filesNamed(...endings).flatMap((path) => matchesIn(path, pattern))
    assertNone(found.map(({ place, groups: [text] }) => `${place}: ${JSON.stringify(text)}: ${advice}`))
  })
}

test('the linter keeps the rules that no pattern could', () => {
  const { linter } = JSON.parse(textOf('biome.json')) as {
    linter: { rules: Record<string, Record<string, unknown>> }
  }
  const levels = Object.assign(
    {},
    ...Object.values(linter.rules).filter((group) => typeof group === 'object'),
  )
  const kept = [
    'noDefaultExport',
    'noConsole',
    'noFocusedTests',
    'noSkippedTests',
    'noExplicitAny',
    'useImportType',
  ]
  const off = kept.filter((rule) => levels[rule] !== 'error')
  assertNone(off.map((rule) => `biome.json: set ${rule} to "error" again`))
})

test(`no file has more than ${LINES_MAX} lines`, () => {
  const long = filesNamed('.ts', '.mjs')
    .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
  assertNone(
    long.map(({ path, lines }) => `${path}:${LINES_MAX} of ${lines}: a file has one subject; split it`),
  )
})
