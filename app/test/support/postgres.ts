import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { type DatabaseServer, query, type Row, startDatabaseServer } from './database-server.ts'

export { type DatabaseServer, query, type Row, startDatabaseServer } from './database-server.ts'

/** An empty database for one test file, with a role of its own that owns it. */
export interface Database extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /** Runs one statement as the owner, on a connection of its own. */
  query(sql: string, values?: readonly unknown[]): Promise<Row[]>
}

/**
 * Takes part in the server at `TEST_DATABASE_URL`, a superuser's: `npm test` starts one. A file that is run without
 * it has one of its own until it ends. Disposing of the database cuts its connections.
 */
export async function createDatabase(): Promise<Database> {
  const superuserUrl = process.env.TEST_DATABASE_URL || (await serverOfThisFile())
  const name = `test_${randomBytes(8).toString('hex')}`
  const password = randomBytes(16).toString('hex')
  await query(superuserUrl, `create role ${name} login password '${password}'`)
  await query(superuserUrl, `create database ${name} owner ${name}`)
  const url = new URL(superuserUrl)
  Object.assign(url, { username: name, password, pathname: `/${name}` })
  return {
    name,
    url: url.href,
    query: (sql, values) => query(url.href, sql, values),
    async [Symbol.asyncDispose]() {
      // A server of this file's own takes its databases with it.
      if (ownServer !== undefined) return
      await query(superuserUrl, `drop database ${name} with (force)`)
      await query(superuserUrl, `drop role ${name}`)
    },
  }
}

let ownServer: Promise<DatabaseServer> | undefined
if (!process.env.TEST_DATABASE_URL) after(async () => (await ownServer)?.[Symbol.asyncDispose]())

async function serverOfThisFile(): Promise<string> {
  ownServer ??= startDatabaseServer()
  return (await ownServer).superuserUrl('postgres')
}
