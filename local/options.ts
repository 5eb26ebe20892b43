import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** There is no tier 3. */
const TIERS = ['1', '2', '4'] as const
const TIER_DEFAULT = '4'
const TIER_OF_WORKERS = '4'
const WORKERS_DEFAULT = '1'
const WORKERS_MAX = 16
/** The checkout's own. */
export const DATA_DIR_DEFAULT = join(import.meta.dirname, '../.local/data')

export type Tier = (typeof TIERS)[number]

export interface Options {
  readonly tier: Tier
  /** Where data and logs are kept; undefined is a throw-away folder. */
  readonly dataDir: string | undefined
  /** Processes that do the work which the API puts off: 0 to 16. */
  readonly workers: number
  readonly help: boolean
}

export const USAGE = `npm start -- [options]

  --tier N        the tier to run: ${TIERS.join(', ')} (default ${TIER_DEFAULT})
  --workers N     how many workers tier ${TIER_OF_WORKERS} has: 0 to ${WORKERS_MAX} (default ${WORKERS_DEFAULT})
  --data-dir DIR  where data and logs are kept (default .local/data)
  --ephemeral     keeps them in a throw-away folder instead
  --help          this text

Variables of the service, such as PORT, are honoured; tiers/tier-N.env has the defaults. DATABASE_URL leads to a
PostgreSQL of your own; DATABASE_PORT is the port of the one that is started otherwise. REDIS_URL leads to a Redis of
your own, QUEUE_URL to a queue. With ROLE one process of that role is started, without workers.`

const known = {
  tier: { type: 'string', default: TIER_DEFAULT },
  workers: { type: 'string' },
  'data-dir': { type: 'string' },
  ephemeral: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/**
 * Parses the launcher's arguments. Throws an error whose message says which one is wrong; so is one that npm has taken
 * for its own, of which it leaves a variable in the environment.
 */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv = {}): Options {
  const taken = Object.keys(known).find((name) => env[`npm_config_${name.replace('-', '_')}`] !== undefined)
  if (taken !== undefined) throw new Error(`npm has taken --${taken} for its own: npm start -- --${taken} …`)
  const { values } = parseArgs({ args: [...args], options: known })
  if (values['data-dir'] === '') throw new Error('--data-dir: expected the name of a folder')
  if (values.ephemeral && values['data-dir'] !== undefined) {
    throw new Error('--ephemeral and --data-dir exclude each other')
  }
  const dataDir = values.ephemeral ? undefined : (values['data-dir'] ?? DATA_DIR_DEFAULT)
  const tier = parseTier(values.tier)
  return { tier, dataDir, workers: parseWorkers(values.workers, tier), help: values.help }
}

function parseTier(text: string): Tier {
  const tier = TIERS.find((known) => known === text)
  if (tier === undefined) throw new Error(`--tier: expected one of ${TIERS.join(', ')}`)
  return tier
}

function parseWorkers(text: string | undefined, tier: Tier): number {
  if (tier !== TIER_OF_WORKERS) {
    if (text !== undefined) throw new Error(`--workers: only tier ${TIER_OF_WORKERS} has workers`)
    return 0
  }
  const count = Number(text ?? WORKERS_DEFAULT)
  if (/^\d+$/.test(text ?? WORKERS_DEFAULT) && count <= WORKERS_MAX) return count
  throw new Error(`--workers: expected an integer from 0 to ${WORKERS_MAX}`)
}
