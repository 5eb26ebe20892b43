import { Client } from 'pg'
import type { Address } from './address.ts'
import { endsSession, queryFault, StatementRefused } from './faults.ts'
import { type Statement, statement } from './statements.ts'

export type Row = readonly unknown[]

export interface ScriptResult {
  readonly rows: readonly Row[]
  /** Rows that were read or written. */
  readonly rowCount: number
}

/** One connection to the database. Queries are sent one after the other. */
export interface Session {
  /**
   * Rows as arrays, in the order of the columns; numbers for `bigint`, `integer` and `double precision`, text for others.
   * Throws `StatementRefused` when the server refused it, and `SessionLost` when there is no answer in time: then the
   * session has ended.
   */
  query(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
  /**
   * Statements without parameters, in one round trip and, unless they say otherwise, one transaction. Throws as
   * `query`, after another time if there is one.
   */
  script(sql: string, options?: { readonly timeoutMs?: number }): Promise<ScriptResult[]>
  /** Resolves with the reason when the session is of no more use. */
  readonly ended: Promise<Error>
  readonly isOpen: boolean
  close(): Promise<void>
}

export interface SessionOptions {
  readonly address: Address
  readonly connectTimeoutMs: number
  /** A round trip that takes longer ends the session; the server gives up before. */
  readonly timeoutMs: number
  /** How long a statement waits for another's lock. */
  readonly lockTimeoutMs: number
  /** Sees how long round trips take. */
  readonly onRoundTrip?: (ms: number) => void
}

/** A server that may be right soon: it is a standby, or its encoding is not UTF-8. */
export class UnfitServer extends Error {
  readonly isPermanent: boolean

  constructor(message: string, { isPermanent }: { isPermanent: boolean }) {
    super(message)
    this.isPermanent = isPermanent
  }
}

const KEEP_ALIVE_MS = 5000
/** A transaction whose process is frozen must not block the others for longer. */
const IDLE_IN_TRANSACTION_MS = 2000
/** How long a goodbye may take. */
const CLOSE_MS_MAX = 500
/** The server gives a statement up when this part of the client's time is over, so that the client hears of it. */
const STATEMENT_TIMEOUT_PART = 0.75

const setUp = statement('session')

/** Connects. Throws what `pg` throws, and `UnfitServer`. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { timeoutMs } = options
  const client = new Client({
    ...options.address(),
    application_name: 'multi-aws',
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    statement_timeout: Math.round(timeoutMs * STATEMENT_TIMEOUT_PART),
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    types: { getTypeParser: parserOf },
  })
  const ended = Promise.withResolvers<Error>()
  let isOpen = true
  const end = (reason: Error) => {
    isOpen = false
    ended.resolve(reason)
  }
  client.on('error', end)
  client.on('end', () => end(new Error('the connection was closed')))

  /** `pg` can only wait for the server; a socket that nothing comes from has to be cut. */
  function cut(reason: Error): void {
    end(reason)
    socketOf(client).destroy(reason)
  }

  async function roundTrip<T>(run: () => Promise<T>, withinMs = timeoutMs): Promise<T> {
    const startMs = performance.now()
    const timer = setTimeout(() => cut(new Error(`no answer within ${withinMs} ms`)), withinMs)
    try {
      return await run()
    } catch (error) {
      const fault = queryFault(error)
      if (!(fault instanceof StatementRefused) || endsSession(fault)) cut(fault)
      throw fault
    } finally {
      clearTimeout(timer)
      options.onRoundTrip?.(performance.now() - startMs)
    }
  }

  const session: Session = {
    async query({ name, text }, values = []) {
      const query = { name, text, values: values as unknown[], rowMode: 'array' } as const
      const { rows } = await roundTrip(() => client.query<unknown[]>(query))
      return rows
    },
    async script(sql, { timeoutMs: withinMs } = {}) {
      const results = await roundTrip(() => client.query({ text: sql, rowMode: 'array' }), withinMs)
      return [results].flat().map(({ rows, rowCount }) => ({ rows, rowCount: rowCount ?? 0 }))
    },
    ended: ended.promise,
    get isOpen() {
      return isOpen
    },
    async close() {
      isOpen = false
      // Says goodbye to the server; one that does not answer is not waited for.
      const timer = setTimeout(() => cut(new Error('no goodbye from the server')), CLOSE_MS_MAX)
      await Promise.race([client.end(), ended.promise])
      clearTimeout(timer)
    },
  }
  try {
    await client.connect()
    await checkServer(session)
  } catch (error) {
    cut(error as Error)
    throw error
  }
  return session
}

async function checkServer(session: Session): Promise<void> {
  const [row] = await session.query(setUp)
  const [isReadOnly, encoding] = row ?? []
  if (isReadOnly) throw new UnfitServer('the server takes no writes: it is a standby', { isPermanent: false })
  if (encoding !== 'UTF8') {
    throw new UnfitServer(`the database's encoding is ${encoding}, and has to be UTF8`, { isPermanent: true })
  }
}

/** `pg` does not give its socket away by a documented name, and has no other way to end a query that hangs. */
function socketOf(client: Client): { destroy(error?: Error): void } {
  return (client as unknown as { connection: { stream: { destroy(error?: Error): void } } }).connection.stream
}

const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === 't', // boolean
  20: Number, // bigint: versions and positions, which stay below 2^53
  23: Number, // integer
  701: Number, // double precision
}

function parserOf(oid: number): (text: string) => unknown {
  return parsers[oid] ?? String
}
