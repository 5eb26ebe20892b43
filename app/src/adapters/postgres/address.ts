import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { ClientConfig } from 'pg'
import { parse } from 'pg-connection-string'
import type { Config } from '../../config.ts'

/**
 * Where the database is and how to get in, as of now: a rotated password or CA is found at the next connection. Throws
 * while a file cannot be read or holds something else.
 */
export type Address = () => ClientConfig

export function addressOf(config: Config): Address {
  const { DATABASE_URL: url } = config
  return url === undefined
    ? () => now('DATABASE_PASSWORD or DATABASE_SSLROOTCERT', () => fromParts(config))
    : () => now('DATABASE_URL', () => fromUrl(url.read()))
}

/** No `sslmode` is `disable`, whatever PGSSLMODE says. */
function fromUrl(url: string): ClientConfig {
  const { host, port, database, user, password, ssl } = parse(url)
  return {
    host: host || 'localhost',
    port: port ? Number(port) : 5432,
    database: database ?? undefined,
    user,
    password,
    ssl: (ssl ?? false) as boolean | ConnectionOptions,
  }
}

function fromParts(config: Config): ClientConfig {
  return {
    host: config.DATABASE_HOST,
    port: config.DATABASE_PORT,
    database: config.DATABASE_NAME,
    user: config.DATABASE_USER,
    password: config.DATABASE_PASSWORD?.read(),
    ssl: config.DATABASE_SSLMODE === 'disable' ? false : verified(config.DATABASE_SSLROOTCERT),
  }
}

/** Certificate and host name are verified, against these authorities or those that Node.js knows. */
function verified(rootCertificate: string | undefined): ConnectionOptions {
  return rootCertificate === undefined ? {} : { ca: readFileSync(rootCertificate, 'utf8') }
}

/** What the variable says now; what went wrong with it is told by its name. */
function now<T>(variable: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new Error(`${variable}: expected ${(cause as Error).message}`, { cause })
  }
}
