import { readFileSync } from 'node:fs'

export interface Release {
  readonly version: string
  /** `unknown` outside the image, which is built with `GIT_COMMIT`. */
  readonly commit: string
}

export function currentRelease(): Release {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  return { version, commit: process.env.GIT_COMMIT ?? 'unknown' }
}
