import { globSync } from 'node:fs'
import { join } from 'node:path'

/** The files in api/ run by themselves at the highest tier. Here they run once more, all of them, at tier 2. */
process.env.TEST_TIER = '2'
for (const file of globSync(join(import.meta.dirname, 'api/*.test.ts'))) await import(file)
