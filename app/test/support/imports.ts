import { posix } from 'node:path'
import { matchesIn, ownFiles } from './repository.ts'

export interface Import {
  /** `path:line` of the import. */
  readonly place: string
  readonly from: string
  readonly specifier: string
  /** The path that a relative import names, from the root. */
  readonly to: string | undefined
  readonly kind: 'static' | 'types' | 'dynamic'
}

/** Static ones as Biome formats them: at the beginning of a line, in single quotes. */
const STATIC = /^(?:import|export) (type )?(?:[\w$*{}, \n]+ from )?'([^'\n]+)'/gm
const DYNAMIC = /\bimport\(\s*(?:'([^'\n]+)')?/g

/** What a TypeScript file imports. A dynamic import of something computed has the specifier ''. */
function importsOf(path: string): Import[] {
  const found = [
    ...matchesIn(path, STATIC).map(({ place, groups: [, type, specifier = ''] }) => {
      const kind: Import['kind'] = type === undefined ? 'static' : 'types'
      return { place, kind, specifier }
    }),
    ...matchesIn(path, DYNAMIC).map(({ place, groups: [, specifier = ''] }) => {
      return { place, kind: 'dynamic' as const, specifier }
    }),
  ]
  return found.map((one) => ({ ...one, from: path, to: targetOf(path, one.specifier) }))
}

function targetOf(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

/** The npm package that a specifier names; undefined for our own files and Node's modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0]
}

/** The imports of every TypeScript file below a folder. */
export function importsBelow(folder: string): Import[] {
  return ownFiles.filter((path) => path.startsWith(folder) && path.endsWith('.ts')).flatMap(importsOf)
}
