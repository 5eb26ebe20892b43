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

test('redis-server runs', async () => {
  const { path, env } = await debianTool('redis-server')
  assert.match(
    execFileSync(path, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' }),
    /Redis server v=/,
  )
})

test('pgbench runs', async () => {
  const { path, env } = await debianTool('pgbench')
  assert.match(
    execFileSync(path, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' }),
    /pgbench \(PostgreSQL\)/,
  )
})
