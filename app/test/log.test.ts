import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const log = JSON.stringify(new URL('../src/log.ts', import.meta.url).href)

interface Line {
  readonly level: string
  readonly time: string
  readonly msg: string
  readonly [name: string]: unknown
}

/** The lines that a process writes to `stdout` which runs `script`, with `request` to log one, and ends. */
function run(script: string, level: string, stdout: number | 'pipe'): string {
  const program = `
    import { createLog } from ${log}
    const output = createLog('${level}')
    process.on('exit', output.flush)
    const request = (fields = {}) => output.request({
      reqId: 'r', method: 'GET', path: '/', status: 200, endMs: performance.now(), durationMs: 1.5, complete: true, ...fields,
    })
    ${script}`
  const args = ['--input-type=module', '--eval', program]
  const ended = spawnSync(process.execPath, args, { stdio: ['ignore', stdout, 'inherit'], encoding: 'utf8' })
  assert.equal(ended.status, 0)
  return ended.stdout
}

function parsed(text: string): Line[] {
  assert.match(text, /^$|\n$/)
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

async function linesOf(script: string, level = 'info'): Promise<Line[]> {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'log-'))
  const path = join(dir.path, 'log')
  const file = openSync(path, 'a')
  run(script, level, file)
  closeSync(file)
  return parsed(readFileSync(path, 'utf8'))
}

test('a line tells of a request what it was, how it ended and when', async () => {
  const startMs = Date.now()
  const [line] = await linesOf(
    `request({ reqId: 'a-1', method: 'PUT', path: '/data/1', status: 201, durationMs: 12.0304 })`,
  )
  const { time, ...rest } = line as Line
  assert.deepEqual(rest, {
    level: 'info',
    reqId: 'a-1',
    method: 'PUT',
    path: '/data/1',
    status: 201,
    durationMs: 12.03,
    msg: 'request',
  })
  // The line's clock is read to the millisecond below.
  assert.ok(Date.parse(time) >= startMs - 1 && Date.parse(time) <= Date.now(), time)
})

test('the time is that of the request, not that of its line', async () => {
  const [line] = await linesOf(`request({ endMs: performance.now() - 60_000 })`)
  assert.ok(Date.parse((line as Line).time) < Date.now() - 50_000)
})

test('lines are in the order of what they tell, however many are made together', async () => {
  const lines = await linesOf(`
    for (let n = 0; n < 150; n++) {
      request({ reqId: String(n) })
      if (n % 50 === 49) output.log.warn({ reqId: 'after ' + n }, 'in between')
    }`)
  const expected = Array.from({ length: 150 }, (_, n) =>
    n % 50 === 49 ? [String(n), `after ${n}`] : [String(n)],
  )
  assert.deepEqual(
    lines.map(({ reqId }) => reqId),
    expected.flat(),
  )
})

test('a path cannot forge a line', async () => {
  const path = '/a"b\\c\n{"level":"fatal"}\u00e9'
  const lines = await linesOf(`request({ path: ${JSON.stringify(path)} })`)
  assert.deepEqual(
    lines.map((line) => line.path),
    [path],
  )
})

test('a request whose client left is told as such', async () => {
  const [line] = await linesOf('request({ complete: false })')
  assert.equal((line as Line).msg, 'request aborted')
})

test('requests are not logged above `info`', async () => {
  assert.deepEqual(await linesOf('request()', 'warn'), [])
})

test('what was logged last is written when the process ends, also to a pipe', () => {
  const lines = parsed(run(`request(); output.log.info('the end'); process.exit()`, 'info', 'pipe'))
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['request', 'the end'],
  )
})
