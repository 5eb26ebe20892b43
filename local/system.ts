import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { startApi } from './api.ts'
import { startCache } from './cache.ts'
import type { Component, Context, Failure } from './component.ts'
import { startDatabase } from './database.ts'
import type { Tier } from './options.ts'

/** In the order of their start. */
const components: Partial<Record<Tier, readonly Component[]>> = {
  1: [startApi],
  2: [startDatabase, startApi],
  4: [startDatabase, startCache, startApi],
}

/**
 * Starts a tier's components one after the other, each with the variables of those before it. Resolves to all
 * variables when all are ready, and rejects with the first `Failure`.
 */
export async function startSystem(
  tier: Tier,
  { dataDir, say }: Pick<Context, 'dataDir' | 'say'>,
  onExit: (failure: Failure) => void,
): Promise<NodeJS.ProcessEnv> {
  const logDir = join(dataDir, 'log')
  mkdirSync(logDir, { recursive: true })
  let env = environmentOf(tier)
  for (const start of components[tier] ?? []) {
    env = { ...env, ...(await start({ env, dataDir, logDir, say }, onExit)) }
  }
  return env
}

/** What makes a higher tier than 1. */
const CAPABILITIES = /^(DATABASE|REDIS|QUEUE)_/

/** The user's environment over the tier's. Whoever presses Ctrl-C has no balancer that needs time to notice. */
function environmentOf(tier: Tier): NodeJS.ProcessEnv {
  const defaults = parseEnv(readFileSync(join(import.meta.dirname, `../tiers/tier-${tier}.env`), 'utf8'))
  const given = Object.entries(process.env).filter(([name]) => tier !== '1' || !CAPABILITIES.test(name))
  return { DRAIN_DELAY_MS: '0', ...defaults, ...Object.fromEntries(given) }
}
