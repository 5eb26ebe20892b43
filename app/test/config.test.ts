import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { configurationTable } from '../src/config/describe.ts'
import { doubts } from '../src/config/doubts.ts'
import { misspellings } from '../src/config/misspellings.ts'
import { variables } from '../src/config/variables.ts'
import { parseConfig } from '../src/config.ts'
import { faultsOf, fileWith } from './support/config.ts'
import { runService } from './support/service.ts'

const DATABASE_URL = 'postgres://app:hunter2@db.internal/app'
const REDIS_URL = 'redis://cache.internal'
const QUEUE_URL = 'https://sqs.eu-central-1.amazonaws.com/1/work'

test('an empty environment is tier 1 with every default', () => {
  const config = parseConfig({})
  const { tier, capabilities, ROLE, HOST, PORT, SEED_DATA, DATABASE_URL: database, REDIS_URL: redis } = config
  assert.deepEqual(
    { tier, capabilities, ROLE, HOST, PORT, SEED_DATA, database, redis },
    {
      tier: 1,
      capabilities: [],
      ROLE: 'all',
      HOST: '127.0.0.1',
      PORT: 8000,
      SEED_DATA: false,
      database: undefined,
      redis: undefined,
    },
  )
})

test('every fault is reported at once, by its variable and with what was expected', () => {
  const faults = faultsOf({
    PORT: '65536',
    SEED_DATA: 'yes',
    ROLE: 'boss',
    DATABASE_URL: 'mysql://db.internal',
    AWS_ENDPOINT_URL_SQS: 'localhost:4566',
    DRAIN_DELAY_MS: '1.5',
    LOG_LEVEL: 'INFO',
  })
  assert.deepEqual(faults, [
    'ROLE: expected one of `all`, `api`, `worker`, `migrate`',
    'PORT: expected an integer from 0 to 65535',
    'LOG_LEVEL: expected one of `trace`, `debug`, `info`, `warn`, `error`, `fatal`, `silent`',
    'SEED_DATA: expected `true` or `false`',
    'DATABASE_URL: expected a URL that begins with `postgres://` or `postgresql://`',
    'AWS_ENDPOINT_URL_SQS: expected a URL that begins with `http://` or `https://`',
    'DRAIN_DELAY_MS: expected an integer from 0 to 300000',
  ])
})

test('faults between variables are reported together with those of single ones', () => {
  const faults = faultsOf({ PORT: 'http', REDIS_URL, DRAIN_DELAY_MS: '30000' })
  assert.deepEqual(
    faults.map((fault) => fault.split(':')[0]),
    ['PORT', 'REDIS_URL', 'DRAIN_DELAY_MS'],
  )
})

test('an integer is digits within its range, and nothing that a number parser would let through', () => {
  for (const PORT of [
    '-1',
    '+1',
    '1e3',
    '0x1f',
    ' 80',
    '80 ',
    '8_0',
    '80.0',
    '٣',
    'NaN',
    '99999999999999999',
  ]) {
    assert.equal(faultsOf({ PORT }).length, 1, `PORT=${PORT}`)
  }
  assert.equal(parseConfig({ PORT: '0' }).PORT, 0)
  assert.equal(parseConfig({ PORT: '65535' }).PORT, 65_535)
})

test('no fault says the value that it is about', () => {
  const value = 'hunter2-very-secret'
  const faults = Object.keys(variables).flatMap((name) => [
    ...faultsOf({ [name]: value }),
    ...faultsOf({ [`${name}_FILE`]: value }),
  ])
  assert.ok(faults.length > Object.keys(variables).length / 2)
  assert.doesNotMatch(faults.join('\n'), /hunter2/)
})

test('a faulty environment ends the process with code 78 and every fault on standard error', async () => {
  const { code, stdout, stderr } = await runService({ PORT: 'hunter2', DATABASE_URL: 'hunter2', QUEUE_URL })
  assert.equal(code, 78)
  assert.equal(stdout, '')
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    'The configuration has 2 faults.',
    '  PORT: expected an integer from 0 to 65535',
    '  DATABASE_URL: expected a URL that begins with `postgres://` or `postgresql://`',
  ])
})

test('an empty variable is one that is not set', () => {
  const unset = Object.fromEntries(
    Object.keys(variables).flatMap((name) => [
      [name, ''],
      [`${name}_FILE`, ''],
    ]),
  )
  assert.deepEqual(parseConfig(unset), parseConfig({}))
})

test('a secret comes from the file that its _FILE twin names, without the line break at its end', () => {
  const path = fileWith(`${DATABASE_URL}\n`)
  const config = parseConfig({ DATABASE_URL_FILE: path })
  assert.equal(config.DATABASE_URL?.read(), DATABASE_URL)
  assert.equal(config.tier, 2)
})

test('a secret is read from its file again each time, so that a rotated one is found', () => {
  const path = fileWith(DATABASE_URL)
  const { DATABASE_URL: secret } = parseConfig({ DATABASE_URL_FILE: path })
  const rotated = DATABASE_URL.replace('hunter2', 'correct-horse')
  writeFileSync(path, rotated)
  assert.equal(secret?.read(), rotated)
})

test('a file that goes wrong later is an error that does not show what is in it', () => {
  const path = fileWith(DATABASE_URL)
  const { DATABASE_URL: secret } = parseConfig({ DATABASE_URL_FILE: path })
  for (const content of ['', 'hunter2']) {
    writeFileSync(path, content)
    assert.throws(
      () => secret?.read(),
      (error: Error) => !error.message.includes('hunter2'),
    )
  }
})

test('a file that is missing or empty is a fault of the _FILE variable', () => {
  assert.deepEqual(faultsOf({ REDIS_URL_FILE: '/does/not/exist', DATABASE_URL_FILE: fileWith('\n') }), [
    'DATABASE_URL_FILE: expected its file not to be empty',
    'REDIS_URL_FILE: expected its file to be readable (ENOENT)',
  ])
})

test('a secret that is given both ways is a fault', () => {
  const faults = faultsOf({ DATABASE_URL, DATABASE_URL_FILE: fileWith(DATABASE_URL) })
  assert.deepEqual(faults, ['DATABASE_URL: expected only one of itself and its _FILE twin'])
})

const parts = { DATABASE_HOST: 'db', DATABASE_NAME: 'app', DATABASE_USER: 'app', DATABASE_PASSWORD: 'x' }

for (const { environment, tier, capabilities } of [
  { environment: {}, tier: 1, capabilities: [] },
  { environment: { DATABASE_URL }, tier: 2, capabilities: ['database'] },
  { environment: parts, tier: 2, capabilities: ['database'] },
  { environment: { DATABASE_URL, REDIS_URL }, tier: 2, capabilities: ['database', 'cache'] },
  { environment: { DATABASE_URL, QUEUE_URL }, tier: 2, capabilities: ['database', 'queue'] },
  {
    environment: { DATABASE_URL, REDIS_URL, QUEUE_URL },
    tier: 4,
    capabilities: ['database', 'cache', 'queue'],
  },
  { environment: { ...parts, REDIS_URL, QUEUE_URL }, tier: 4, capabilities: ['database', 'cache', 'queue'] },
]) {
  test(`${Object.keys(environment).join(', ') || 'nothing'} makes tier ${tier}`, () => {
    const config = parseConfig(environment)
    assert.deepEqual({ tier: config.tier, capabilities: config.capabilities }, { tier, capabilities })
  })
}

for (const { environment, blamed } of [
  { environment: { REDIS_URL }, blamed: ['REDIS_URL'] },
  { environment: { QUEUE_URL }, blamed: ['QUEUE_URL'] },
  { environment: { REDIS_URL, QUEUE_URL }, blamed: ['REDIS_URL', 'QUEUE_URL'] },
  { environment: { ROLE: 'worker' }, blamed: ['ROLE=worker'] },
  { environment: { ROLE: 'migrate' }, blamed: ['ROLE=migrate'] },
]) {
  test(`${blamed.join(' and ')} without a database is a fault`, () => {
    const faults = faultsOf(environment)
    assert.deepEqual(
      faults.map((fault) => fault.split(':')[0]),
      blamed,
    )
    for (const fault of faults) assert.match(fault, /DATABASE_URL/)
  })
}

test('a worker without a queue is a fault, and so is a queue that keeps its messages in order', () => {
  assert.deepEqual(faultsOf({ DATABASE_URL, ROLE: 'worker' }), [
    'ROLE=worker: expected QUEUE_URL to be set with it; without a queue the API does the work',
  ])
  assert.deepEqual(faultsOf({ DATABASE_URL, QUEUE_CREATE: 'true' }), [
    'QUEUE_CREATE: expected QUEUE_URL to be set with it',
  ])
  assert.deepEqual(faultsOf({ DATABASE_URL, QUEUE_URL: `${QUEUE_URL}.fifo` }), [
    'QUEUE_URL: expected a URL that begins with `http://` or `https://` and ends in the name of a standard queue',
  ])
})

test('a database is given as a URL or in parts, all of them, but not both', () => {
  assert.deepEqual(faultsOf({ DATABASE_HOST: 'db', DATABASE_NAME: 'app' }), [
    'DATABASE_USER: expected to be set together with DATABASE_HOST',
    'DATABASE_PASSWORD: expected to be set together with DATABASE_HOST',
  ])
  assert.deepEqual(faultsOf({ DATABASE_URL, ...parts }), [
    'DATABASE_HOST: expected not to be set together with DATABASE_URL',
  ])
})

test('a part of a database without its host is a fault, and never quietly tier 1', () => {
  for (const name of ['DATABASE_USER', 'DATABASE_PASSWORD', 'DATABASE_NAME']) {
    assert.deepEqual(faultsOf({ [name]: 'app' }), [`DATABASE_HOST: expected to be set together with ${name}`])
  }
})

test('a file for what is no secret connects nothing, and is warned about', () => {
  const environment = {
    DATABASE_URL,
    REDIS_URL,
    QUEUE_URL_FILE: '/run/queue',
    DATABASE_HOST_FILE: '/run/host',
  }
  assert.deepEqual(parseConfig(environment).capabilities, ['database', 'cache'])
  assert.deepEqual(misspellings(environment), [
    'QUEUE_URL_FILE is not read: only secrets may be in a file.',
    'DATABASE_HOST_FILE is not read: only secrets may be in a file.',
  ])
})

test('a likely misspelling is named with what was meant, and variables of others are left alone', () => {
  assert.deepEqual(misspellings({ DATABSE_URL: '', POTR: '', SEED_DTAA: '', DATABASE_PASWORD_FILE: '' }), [
    'DATABSE_URL is not a variable of this service: did you mean DATABASE_URL?',
    'POTR is not a variable of this service: did you mean PORT?',
    'SEED_DTAA is not a variable of this service: did you mean SEED_DATA?',
    'DATABASE_PASWORD_FILE is not a variable of this service: did you mean DATABASE_PASSWORD_FILE?',
  ])
  const others = [
    'PATH',
    'PWD',
    'HOME',
    'LANG',
    'HOSTNAME',
    'AWS_ACCESS_KEY_ID',
    'NODE_OPTIONS',
    'GIT_COMMIT',
  ]
  assert.deepEqual(misspellings(Object.fromEntries(others.map((name) => [name, '']))), [])
  assert.deepEqual(misspellings(Object.fromEntries(Object.keys(variables).map((name) => [name, '']))), [])
})

test('a round trip that may take longer than a request may wait is told', () => {
  const long = { DATABASE_TIMEOUT_MS: '6000' }
  assert.match(
    String(doubts(parseConfig({ ...long, DATABASE_URL }))),
    /DATABASE_TIMEOUT_MS .* ANSWER_TIMEOUT_MS/,
  )
  assert.deepEqual(doubts(parseConfig({ DATABASE_URL })), [])
  assert.deepEqual(doubts(parseConfig(long)), [], 'there is no database')
})

test('--print-config shows what is in effect and where it comes from, and masks every secret', async () => {
  const { code, stdout } = await runService(
    { PORT: '9000', DATABASE_URL, REDIS_URL_FILE: fileWith(REDIS_URL), QUEUE_URL },
    ['--print-config'],
  )
  assert.equal(code, 0)
  const lines = stdout.split('\n')
  for (const line of [
    '# tier 4',
    'PORT=9000  # from the environment',
    'LOG_LEVEL=info  # default',
    'DATABASE_URL=********  # from the environment',
    'REDIS_URL=********  # from REDIS_URL_FILE',
  ]) {
    assert.ok(lines.includes(line), `${line} is in\n${stdout}`)
  }
  assert.doesNotMatch(stdout, /hunter2|db\.internal|cache\.internal/)
})

test('the default times fit what is around the service', () => {
  const { KEEP_ALIVE_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS, DRAIN_DELAY_MS, ANSWER_TIMEOUT_MS } = parseConfig({})
  assert.ok(
    KEEP_ALIVE_TIMEOUT_MS > 60_000,
    'a balancer that keeps a connection longer sends into a closed one',
  )
  assert.ok(SHUTDOWN_TIMEOUT_MS < 30_000, 'ECS kills after 30 s')
  assert.ok(DRAIN_DELAY_MS + ANSWER_TIMEOUT_MS < SHUTDOWN_TIMEOUT_MS, 'what arrives last is still answered')
})

test('the configuration is frozen', () => {
  assert.ok(Object.isFrozen(parseConfig({})))
})

test('the reference table has a row for every variable', () => {
  const rows = configurationTable().split('\n').slice(2)
  assert.deepEqual(
    rows.map((row) => /^\| `(\w+)`/.exec(row)?.[1]),
    Object.keys(variables),
  )
})
