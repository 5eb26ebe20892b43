import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { debianTool } from '../debian.ts'

test('haproxy runs', async () => {
  const { path, env } = await debianTool('haproxy')
  assert.match(
    execFileSync(path, ['-v'], { env: { ...process.env, ...env }, encoding: 'utf8' }),
    /HAProxy version/,
  )
})

test('pgbench runs', async () => {
  const { path, env } = await debianTool('pgbench')
  assert.match(
    execFileSync(path, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' }),
    /pgbench \(PostgreSQL\)/,
  )
})
