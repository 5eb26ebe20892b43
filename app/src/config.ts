import { Expectation, type Kind, type Source } from './config/kinds.ts'
import { type Values, type VariableName, variables } from './config/variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>
export type Tier = 1 | 2 | 4
export type Capability = 'database' | 'cache' | 'queue'

export interface Config extends Values {
  /** Derived from what the environment connects; there is no variable for it. */
  readonly tier: Tier
  readonly capabilities: readonly Capability[]
}

/** `EX_CONFIG` of sysexits.h: whoever starts the process again without changing its environment starts it in vain. */
export const EXIT_CONFIG = 78

/** What a stop needs after the drain delay, at the least: to finish requests and to close the store. */
const STOP_AFTER_DRAIN_MS_MIN = 1500

/** What is wrong with the environment: a line for each fault, by name, with what was expected and never the value. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}.`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Parses the environment. Reads no other state, but for the files that `_FILE` variables name. Throws `ConfigError`. */
export function parseConfig(environment: Environment): Config {
  const faults: string[] = []
  const values = Object.fromEntries(
    Object.entries(variables).map(([name, kind]) => [name, parseVariable(name, kind, environment, faults)]),
  ) as unknown as Values
  const given = (name: VariableName) =>
    setting(environment, name) !== undefined ||
    (variables[name].isSecret && setting(environment, `${name}_FILE`) !== undefined)
  faults.push(...conflicts(given, values))
  if (faults.length > 0) throw new ConfigError(faults)
  const capabilities = capabilitiesOf(given)
  return Object.freeze({ ...values, tier: tierOf(capabilities), capabilities: Object.freeze(capabilities) })
}

function parseVariable(
  name: string,
  kind: Kind<unknown>,
  environment: Environment,
  faults: string[],
): unknown {
  const file = setting(environment, `${name}_FILE`)
  const source: Source = { text: setting(environment, name), file: kind.isSecret ? file : undefined }
  try {
    return kind.parse(source)
  } catch (error) {
    if (!(error instanceof Expectation)) throw error
    const blamed = source.text === undefined ? `${name}_FILE` : name
    faults.push(`${blamed}: expected ${error.message}`)
    return undefined
  }
}

/** An empty variable is one that is not set: compose and shells pass `${NAME:-}` on as an empty one. */
function setting(environment: Environment, name: string): string | undefined {
  return environment[name] === '' ? undefined : environment[name]
}

function capabilitiesOf(given: (name: VariableName) => boolean): Capability[] {
  const capabilities: Capability[] = []
  if (given('DATABASE_URL') || given('DATABASE_HOST')) capabilities.push('database')
  if (given('REDIS_URL')) capabilities.push('cache')
  if (given('QUEUE_URL')) capabilities.push('queue')
  return capabilities
}

function tierOf(capabilities: readonly Capability[]): Tier {
  if (!capabilities.includes('database')) return 1
  return capabilities.includes('cache') && capabilities.includes('queue') ? 4 : 2
}

/** Faults that no variable has by itself. */
function conflicts(given: (name: VariableName) => boolean, values: Values): string[] {
  const faults: string[] = []
  const database = given('DATABASE_URL') || given('DATABASE_HOST')
  const needsDatabase = (name: string) =>
    faults.push(`${name}: expected DATABASE_URL, or DATABASE_HOST and its companions, to be set with it`)
  if (!database && given('REDIS_URL')) needsDatabase('REDIS_URL')
  if (!database && given('QUEUE_URL')) needsDatabase('QUEUE_URL')
  if (!database && (values.ROLE === 'worker' || values.ROLE === 'migrate'))
    needsDatabase(`ROLE=${values.ROLE}`)
  if (database && !given('QUEUE_URL') && values.ROLE === 'worker') {
    faults.push('ROLE=worker: expected QUEUE_URL to be set with it; without a queue the API does the work')
  }
  if (!given('QUEUE_URL') && values.QUEUE_CREATE) {
    faults.push('QUEUE_CREATE: expected QUEUE_URL to be set with it')
  }
  if (given('REDIS_PASSWORD') && !given('REDIS_URL')) {
    faults.push('REDIS_PASSWORD: expected to be set together with REDIS_URL')
  }
  if (given('DATABASE_URL') && given('DATABASE_HOST')) {
    faults.push('DATABASE_HOST: expected not to be set together with DATABASE_URL')
  }
  for (const name of ['DATABASE_NAME', 'DATABASE_USER', 'DATABASE_PASSWORD'] as const) {
    if (given(name) === given('DATABASE_HOST')) continue
    const [missing, present] = given(name) ? ['DATABASE_HOST', name] : [name, 'DATABASE_HOST']
    faults.push(`${missing}: expected to be set together with ${present}`)
  }
  for (const name of ['DATABASE_SSLMODE', 'DATABASE_SSLROOTCERT'] as const) {
    if (!given(name) || given('DATABASE_HOST')) continue
    faults.push(`${name}: expected to be set together with DATABASE_HOST; DATABASE_URL has parameters for it`)
  }
  if (given('DATABASE_SSLROOTCERT') && values.DATABASE_SSLMODE !== 'verify-full') {
    faults.push('DATABASE_SSLROOTCERT: expected to be set together with DATABASE_SSLMODE=verify-full')
  }
  if (values.HEADERS_TIMEOUT_MS > values.REQUEST_TIMEOUT_MS) {
    faults.push('HEADERS_TIMEOUT_MS: expected at most REQUEST_TIMEOUT_MS')
  }
  if (values.DRAIN_DELAY_MS + STOP_AFTER_DRAIN_MS_MIN > values.SHUTDOWN_TIMEOUT_MS) {
    faults.push(`DRAIN_DELAY_MS: expected at least ${STOP_AFTER_DRAIN_MS_MIN} less than SHUTDOWN_TIMEOUT_MS`)
  }
  return faults
}
