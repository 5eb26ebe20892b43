import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePort } from '../ports.ts'
import { startSqs } from '../sqs.ts'
import { READY, root, START, startReady, temporaryFolder } from './launcher.ts'

/** Of whoever runs the tests, in whose environment there is no queue. */
const foreign = { QUEUE_URL: '', DATABASE_URL: '', DATABASE_URL_FILE: '', DATABASE_HOST: '' }

/** Runs a command as a shell does. */
async function run(command: string, variables: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, ...foreign, ...variables }
  const run = promisify(execFile)('sh', ['-c', command], { cwd: root, env })
  const { code = 0, stdout, stderr } = await run.catch((error) => error)
  return { code, stdout, stderr }
}

for (const { tier, options } of [
  { tier: '2', options: ['--tier', '2'] },
  { tier: '4', options: ['--workers', '0'] },
]) {
  test(`the list that follows \`ready\` has a command that looks at dead letters: tier ${tier}`, async (t) => {
    const dataDir = join(temporaryFolder(t), "it's data")
    const launcher = await startReady(t, [...START, '--data-dir', dataDir, ...options])
    const line = await launcher.line(/^ {2}redrive /, READY)
    const [, command = ''] = /^ {2}redrive {2}(npm run redrive -- list --data-dir .+)$/.exec(line) ?? []
    assert.match((await run(command)).stdout, /^nothing was given up$/m)
    assert.equal(statSync(join(dataDir, 'queue.env')).mode & 0o777, 0o600)
    await launcher.stop()
    const { code, stderr } = await run(command)
    assert.equal(code, 78)
    assert.match(stderr, /^No system with a queue runs here: start one with `npm start`/m)
  })
}

test('a queue that the environment leads to goes before the one that runs here', async (t) => {
  const sqs = await startSqs()
  t.after(() => sqs.stop())
  const dataDir = temporaryFolder(t)
  const elsewhere = `http://127.0.0.1:${await freePort()}`
  writeFileSync(
    join(dataDir, 'queue.env'),
    `QUEUE_URL=${elsewhere}/0/own\nAWS_ENDPOINT_URL_SQS=${elsewhere}\n`,
  )
  const { code, stderr } = await run(
    `npm run redrive -- list --data-dir ${dataDir}`,
    sqs.variables('missing'),
  )
  assert.equal(code, 1)
  assert.match(stderr, /does not exist/)
})

test('a wish that cannot be understood is told its usage, whether a system runs or not', async () => {
  const { code, stderr } = await run('npm run redrive')
  assert.equal(code, 64)
  assert.match(stderr, /npm run redrive -- list/)
})
