import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createThrowAwayFolder } from '../../../local/throw-away.ts'
import { ConfigError, type Environment, parseConfig } from '../../src/config.ts'

/** What the configuration says is wrong with this environment. */
export function faultsOf(environment: Environment): readonly string[] {
  try {
    parseConfig(environment)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.faults
  }
}

/** The path of a new file with this content. */
export function fileWith(content: string): string {
  const path = join(createThrowAwayFolder(), 'file')
  writeFileSync(path, content)
  return path
}
