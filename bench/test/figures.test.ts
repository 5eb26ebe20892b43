import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { pinned, pinProcess, processors } from '../pinning.ts'
import { cpuSeconds, familyCpuSeconds, residentMb } from '../process-usage.ts'
import { outputOf } from '../program.ts'
import { frame, requestText } from '../raw-http.ts'
import { inRounds } from '../rounds.ts'
import { median, medians, percentile } from '../statistics.ts'
import { table } from '../text.ts'
import { parseWrk } from '../wrk.ts'

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 10, 2]), 3)
  assert.ok(Number.isNaN(median([])))
})

test('the medians of figures are those of each', () => {
  const rounds = [
    { a: 3, b: 1 },
    { a: 1, b: 4 },
    { a: 2, b: 2 },
  ]
  assert.deepEqual(medians(rounds), { a: 2, b: 2 })
})

test('a percentile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)
  assert.equal(percentile(hundred, 0.5), 50)
  assert.equal(percentile(hundred, 0.99), 99)
  assert.equal(percentile(hundred, 1), 100)
  assert.ok(Number.isNaN(percentile([], 0.5)))
})

test('all are measured in turn within each round, and backwards in every other one', async () => {
  const order: string[] = []
  const figures = await inRounds(
    ['a', 'b'],
    { rounds: 3, before: (round) => order.push(String(round)) },
    async (one, round) => {
      order.push(one)
      return `${one}${round}`
    },
  )
  assert.equal(order.join(''), '1ab2ba3ab')
  assert.deepEqual(figures, [
    ['a1', 'a2', 'a3'],
    ['b1', 'b2', 'b3'],
  ])
})

test('a program is run to its end, and what it has said explains why it failed', async () => {
  const shell = (script: string, timeoutMs = 10_000) => outputOf(['/bin/sh', '-c', script], { timeoutMs })
  assert.equal(await shell('echo one; echo no >&2; echo two'), 'one\ntwo')
  await assert.rejects(shell('echo why >&2; exit 3'), /ended with 3:\nwhy/)
  await assert.rejects(shell('exec sleep 60', 100), /ended with SIGKILL/)
})

test('the line of wrk/replay.lua is found in the output of wrk', () => {
  const errors = { connect: 0, read: 1, write: 0, status: 2, timeout: 3 }
  const line = {
    requests: 4_000,
    microseconds: 2_000_000,
    bytes: 800_000,
    p50Us: 1_500,
    p99Us: 9_000,
    errors,
  }
  assert.deepEqual(parseWrk(`Requests/sec: 2000\n\njson ${JSON.stringify(line)}\n`), {
    requests: 4_000,
    seconds: 2,
    bytesPerAnswer: 200,
    p50Ms: 1.5,
    p99Ms: 9,
    errors,
  })
  assert.throws(() => parseWrk('unable to connect'), /no result:\nunable to connect/)
})

test('a request is written with its length', () => {
  const put = { method: 'PUT', path: '/data/1', headers: { A: 'b' }, body: '"ä"' }
  assert.equal(
    requestText(put, 'host:1'),
    'PUT /data/1 HTTP/1.1\r\nHost: host:1\r\nA: b\r\nContent-Length: 4\r\n\r\n"ä"',
  )
})

test('an answer is framed by its length, once all of it is there', () => {
  const text = 'HTTP/1.1 503 x\r\ncontent-length: 2\r\nConnection: close\r\n\r\nno'
  const bytes = Buffer.from(`${text}HTTP/1.1`)
  assert.equal(frame(bytes, text.length - 1), undefined)
  assert.deepEqual(frame(bytes, bytes.length), {
    status: 503,
    bodyAt: text.length - 2,
    bytes: text.length,
    closes: true,
  })
  const empty = Buffer.from('HTTP/1.1 304 x\r\n\r\n')
  assert.deepEqual(frame(empty, empty.length), { status: 304, bodyAt: 18, bytes: 18, closes: false })
  const chunked = Buffer.from('HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n')
  assert.throws(() => frame(chunked, chunked.length), /without Content-Length/)
})

test('the list of processors is read as the kernel writes it', () => {
  assert.deepEqual(processors('0-2,5'), [0, 1, 2, 5])
  assert.deepEqual(processors('3'), [3])
})

test('a command that may run anywhere is left as it is', () => {
  assert.deepEqual(pinned('anywhere', ['wrk', '-v']), ['wrk', '-v'])
  assert.deepEqual(pinned('server', ['wrk', '-v']).slice(-2), ['wrk', '-v'])
})

test('a process that runs is kept on a side, and so is what it starts', async () => {
  const shell = spawn('/bin/sh', ['-c', 'read -r line && grep Cpus_allowed_list /proc/self/status'])
  pinProcess('server', Number(shell.pid))
  shell.stdin.end('go\n')
  const [allowed] = await once(shell.stdout.setEncoding('utf8'), 'data')
  const [, , first] = pinned('server', ['true'])
  assert.equal(allowed.trim(), `Cpus_allowed_list:\t${first}`)
  pinProcess('server', 2 ** 22)
})

test('CPU time of children counts, also when they have ended', () => {
  const before = { own: cpuSeconds(process.pid), family: familyCpuSeconds(process.pid) }
  execFileSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 200_000);'])
  const own = cpuSeconds(process.pid) - before.own
  assert.ok(familyCpuSeconds(process.pid) - before.family > own + 0.1)
})

test('a process is seen to use CPU time and memory', () => {
  const before = cpuSeconds(process.pid)
  const own = process.cpuUsage()
  // Several ticks of CPU time, however long that takes on a busy machine.
  while (process.cpuUsage(own).user < 50_000);
  assert.ok(cpuSeconds(process.pid) > before)
  assert.ok(residentMb(process.pid) > 10)
})

test('a table is aligned on both sides', () => {
  const rows = [
    ['a', 'figure'],
    ['long', '1'],
  ]
  assert.equal(table(rows), 'a     figure\nlong       1\n')
})
