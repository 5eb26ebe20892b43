import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { startApi } from './api.ts'
import { startCache } from './cache.ts'
import { type Component, type Context, Failure } from './component.ts'
import { startDatabase } from './database.ts'
import { migrate } from './migration.ts'
import type { Tier } from './options.ts'
import { beginStage } from './processes.ts'
import { noteQueue, startQueue } from './queue.ts'
import { startWorkers } from './workers.ts'

/** `EX_CANTCREAT` of sysexits.h. */
const EXIT_CANNOT_CREATE = 73

/** In the order of their start: what is in one stage does not need each other. */
const stages: Readonly<Record<Tier, readonly (readonly Component[])[]>> = {
  1: [[startApi]],
  2: [[startDatabase], [startApi, noteQueue]],
  4: [[startDatabase, startCache, startQueue], [migrate], [startApi, startWorkers, noteQueue]],
}

/**
 * Starts a tier's components stage by stage, each with the variables of the stages before it. Resolves to all variables
 * when all are ready, and rejects with the first `Failure`.
 */
export async function startSystem(
  tier: Tier,
  { dataDir, say, workers }: Pick<Context, 'dataDir' | 'say' | 'workers'>,
  onExit: (failure: Failure) => void,
): Promise<NodeJS.ProcessEnv> {
  const logDir = join(dataDir, 'log')
  makeFolder(logDir)
  sayUnused(tier, say)
  // A user who has chosen the role of the API's process gets no other ones beside it.
  const hasWorkers = tier === '4' && !process.env.ROLE
  let env = { ...environmentOf(tier), ...(hasWorkers && { ROLE: 'api' }) }
  for (const stage of stages[tier]) {
    const context = { env, dataDir, logDir, say, workers: hasWorkers ? workers : 0 }
    const variables = await Promise.all(stage.map((start) => start(context, onExit)))
    env = Object.assign({}, env, ...variables)
    beginStage()
  }
  return env
}

/** One by one: where the parent takes none, as in /proc, Node's recursive way never ends. */
function makeFolder(path: string): void {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at)
  try {
    for (const folder of missing) mkdirSync(folder)
    accessSync(path, constants.W_OK)
  } catch (error) {
    throw new Failure(`Data and logs cannot be kept there: ${(error as Error).message}`, EXIT_CANNOT_CREATE)
  }
}

/** What makes a higher tier than 1. */
const CAPABILITIES = /^(DATABASE|REDIS|QUEUE)_/

/** Whoever has set it expects something of it. */
function sayUnused(tier: Tier, say: Context['say']): void {
  const names = Object.keys(process.env).filter((name) => CAPABILITIES.test(name) && process.env[name])
  if (tier === '1' && names.length > 0) say(`not used at tier 1: ${names.join(', ')}`)
}

/** The user's environment over the tier's. Whoever presses Ctrl-C has no balancer that needs time to notice. */
function environmentOf(tier: Tier): NodeJS.ProcessEnv {
  const defaults = parseEnv(readFileSync(join(import.meta.dirname, `../tiers/tier-${tier}.env`), 'utf8'))
  const given = Object.entries(process.env).filter(([name]) => tier !== '1' || !CAPABILITIES.test(name))
  return { DRAIN_DELAY_MS: '0', ...defaults, ...Object.fromEntries(given) }
}
