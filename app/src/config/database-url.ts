import { type Check, readable, url } from './kinds.ts'

const isPostgres = url(['postgres:', 'postgresql:'])

/**
 * A check for `secret`: a URL of PostgreSQL. Of its parameters about TLS there are two: a mode that encrypts and does
 * not verify whom it speaks to keeps nobody out, and drivers disagree on what such modes mean.
 */
export const databaseUrl: Check & { expected: string } = Object.assign(
  (given: string): string | undefined => {
    const fault = isPostgres(given)
    if (fault !== undefined) return fault
    const { searchParams } = new URL(given)
    const others = [...searchParams.keys()].filter(
      (name) => /ssl/i.test(name) && name !== 'sslmode' && name !== 'sslrootcert',
    )
    if (others.length > 0) return 'no parameters about TLS but `sslmode` and `sslrootcert`'
    const mode = searchParams.get('sslmode') ?? 'disable'
    if (mode !== 'disable' && mode !== 'verify-full') return '`sslmode` to be `disable` or `verify-full`'
    const rootCertificate = searchParams.get('sslrootcert')
    if (rootCertificate === null) return undefined
    if (mode === 'disable') return '`sslrootcert` only with `sslmode=verify-full`'
    return readable(rootCertificate) === undefined ? undefined : '`sslrootcert` to be a readable file'
  },
  { expected: isPostgres.expected },
)
