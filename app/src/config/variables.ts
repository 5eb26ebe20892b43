import { databaseUrl } from './database-url.ts'
import { choice, flag, integer, type Kind, readable, secret, text, url } from './kinds.ts'
import { queueUrl } from './queue-url.ts'

const MIB = 1024 * 1024
const DAY_MS = 86_400_000

/**
 * Everything that the environment can say, in the order of the reference table (docs/configuration.md is made from
 * it). A variable that is not set and has no default is undefined. Times and sizes carry their unit in the name.
 */
export const variables = {
  ROLE: choice(['all', 'api', 'worker', 'migrate'], 'all', 'What this process does.'),
  HOST: text('127.0.0.1', 'Address to listen on. The image sets `0.0.0.0`.'),
  PORT: integer(8000, [0, 65_535], 'Port of the API; `0` takes a free one, which the log names.'),
  METRICS_PORT: integer(undefined, [0, 65_535], 'Port of `/metrics`, when it is to be apart from `PORT`.'),
  LOG_LEVEL: choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
    'The lowest level that is logged.',
  ),
  SEED_DATA: flag(false, 'Whether an empty store gets the items `1` to `10`.'),

  DATABASE_URL: secret('Makes tier 2: the data lives in PostgreSQL.', databaseUrl),
  DATABASE_HOST: text(undefined, 'Instead of `DATABASE_URL`, with the four below.'),
  DATABASE_PORT: integer(5432, [1, 65_535], 'With `DATABASE_HOST`.'),
  DATABASE_NAME: text(undefined, 'With `DATABASE_HOST`.'),
  DATABASE_USER: text(undefined, 'With `DATABASE_HOST`.'),
  DATABASE_PASSWORD: secret('With `DATABASE_HOST`.'),
  DATABASE_POOL_MAX: integer(4, [1, 100], "Connections to the database, besides the change feed's one."),
  DATABASE_SSLMODE: choice(
    ['disable', 'verify-full'],
    'disable',
    'With `DATABASE_HOST`. A `DATABASE_URL` says it as `?sslmode=`.',
  ),
  DATABASE_SSLROOTCERT: text(
    undefined,
    'With `verify-full`: the certificate authorities, if not those of Node.js. A `DATABASE_URL` says it as `&sslrootcert=`.',
    readable,
  ),
  DATABASE_TIMEOUT_MS: integer(
    2000,
    [100, 60_000],
    'How long a connection, or a round trip on one, may take; what takes longer is given up.',
  ),
  MIGRATE_TIMEOUT_MS: integer(
    60_000,
    [1000, 3_600_000],
    '`ROLE=migrate`: how long to wait for the database, and for the queue, before giving up.',
  ),
  REDIS_URL: secret('Adds the cache. Needs a database.', url(['redis:', 'rediss:'])),
  REDIS_PASSWORD: secret('Instead of the one in `REDIS_URL`.'),
  REDIS_TIMEOUT_MS: integer(
    50,
    [1, 10_000],
    'How long a call to the cache may take; then the store is asked.',
  ),
  CACHE_TTL_MS: integer(
    300_000,
    [5000, DAY_MS],
    'How long an item may be cached at most, whatever is lost or broken; never longer than `CHANGES_RETENTION_MS`.',
  ),
  CACHE_NEAR_BYTES_MAX: integer(
    32 * MIB,
    [0, 2 ** 40],
    "Of the cache's level in the process's own memory, whose entries live 250 ms; `0` has none.",
  ),
  QUEUE_URL: text(
    undefined,
    'The SQS queue, a standard one: moves work to workers. Needs a database. Credentials are found as by every AWS SDK.',
    queueUrl,
  ),
  AWS_REGION: text(undefined, 'Region of the queue, if its URL does not tell it.'),
  AWS_ENDPOINT_URL_SQS: text(
    undefined,
    'Where SQS answers, if not at the host of `QUEUE_URL`.',
    url(['http:', 'https:']),
  ),
  QUEUE_TIMEOUT_MS: integer(2000, [100, 60_000], 'How long a request to the queue may take.'),
  QUEUE_RECEIVES_MAX: integer(
    5,
    [1, 1000],
    'Attempts after which a message is given up, where the queue does not say it by itself: at tier 2, and of a queue that `QUEUE_CREATE` makes.',
  ),
  QUEUE_CREATE: flag(
    false,
    '`ROLE=migrate`: whether to create the queue and its dead-letter queue, if they are not there.',
  ),
  WORKER_CONCURRENCY: integer(4, [1, 100], 'Messages that a process works on at one time.'),

  DRAIN_DELAY_MS: integer(5000, [0, 300_000], 'How long the service goes on after it has become unready.'),
  SHUTDOWN_TIMEOUT_MS: integer(
    25_000,
    [1500, 600_000],
    'From the signal to the end of the process, at the latest; ECS kills after 30 s.',
  ),
  KEEP_ALIVE_TIMEOUT_MS: integer(
    75_000,
    [1000, 3_600_000],
    'How long an idle connection is kept: longer than the balancer keeps it (ALB: 60 s).',
  ),
  HEADERS_TIMEOUT_MS: integer(
    10_000,
    [100, 600_000],
    'A request line and its headers arrive within this time.',
  ),
  REQUEST_TIMEOUT_MS: integer(30_000, [100, 3_600_000], 'A whole request arrives within this time.'),
  ANSWER_TIMEOUT_MS: integer(
    5000,
    [10, 600_000],
    'How long a request may wait for its turn at the store, whose answer may take `DATABASE_TIMEOUT_MS` more.',
  ),

  CONNECTIONS_MAX: integer(12_000, [1, 1_000_000], 'Open connections; one more is closed at once.'),
  LINE_REQUESTS_MAX: integer(
    2048,
    [1, 1_000_000],
    'Requests that wait for an answer at one time; one more gets 503.',
  ),
  LINE_BYTES_MAX: integer(
    64 * MIB,
    [MIB, 2 ** 40],
    'Bodies and answers in memory at one time; more get 503.',
  ),
  LINE_AGE_MAX_MS: integer(500, [1, 60_000], 'A request that was looked at later than this gets 503.'),
  STREAMS_MAX: integer(
    1000,
    [0, 1_000_000],
    'Clients that wait at the change feed at one time; one more gets 503.',
  ),

  IMPORT_UPLOADS_MAX: integer(16, [0, 10_000], 'Imports that are received at one time; one more gets 503.'),

  MEMORY_STORE_BYTES_MAX: integer(
    256 * MIB,
    [1024, 2 ** 40],
    'Tier 1: all data together; a write beyond it gets 507.',
  ),
  MEMORY_CHANGES_MAX: integer(100_000, [1, 10_000_000], 'Tier 1: changes that the feed keeps.'),
  CHANGES_RETENTION_MS: integer(DAY_MS, [1000, 365 * DAY_MS], 'How long the change feed keeps a change.'),
} as const satisfies Record<string, Kind<unknown>>

type Variables = typeof variables

export type VariableName = keyof Variables

/** The parsed value of every variable, by its name. */
export type Values = {
  readonly [Name in VariableName]: Variables[Name] extends Kind<infer Value> ? Value : never
}
