import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startService } from '../../app/test/support/service.ts'
import { freePort } from '../ports.ts'
import { type RunningProcess, startProcess } from '../processes.ts'

const root = join(import.meta.dirname, '../..')
const soon = { timeoutMs: 20_000 }

function fileWith(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'import-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function begin(...args: readonly string[]): RunningProcess {
  return startProcess({
    command: process.execPath,
    args: ['local/import.ts', ...args],
    cwd: root,
    env: { PATH: process.env.PATH },
  })
}

async function run(...args: readonly string[]) {
  const started = begin(...args)
  const { code } = await started.exited
  return { code, text: started.output.join('\n') }
}

interface FakeService {
  readonly url: string
  /** What `/imports/x` is answered with; a connection is cut where there is nothing. */
  answer: { readonly status: number; readonly body: object } | undefined
}

/** Accepts any import as `/imports/x`. */
async function startFakeService(t: TestContext): Promise<FakeService> {
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      request.resume().on('end', () => response.writeHead(202, { location: '/imports/x' }).end('{}'))
    } else if (request.url !== '/imports/x' || fake.answer === undefined) request.destroy()
    else response.writeHead(fake.answer.status).end(JSON.stringify(fake.answer.body))
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const fake: FakeService = { url: `http://127.0.0.1:${port}`, answer: undefined }
  return fake
}

const lines = { total: 4, applied: 2, rejected: 0, superseded: 0 }
const running = { status: 200, body: { state: 'running', lines, errors: [], finishedAt: null } }
const succeeded = {
  status: 200,
  body: {
    state: 'succeeded',
    lines: { ...lines, applied: 4 },
    errors: [],
    finishedAt: '2026-01-01T00:00:00Z',
  },
}

test('a file is sent and applied, NDJSON and CSV', async (t) => {
  await using service = await startService()
  const ndjson = fileWith(t, 'items.ndjson', '{"id":"a","value":1}\n{"id":"b","value":2}\n')
  const csv = fileWith(t, 'items.CSV', 'id,name\nc,C\n')
  for (const [file, applied] of [
    [ndjson, 2],
    [csv, 1],
  ] as const) {
    const { code, text } = await run(file, '--url', `${service.url}/`)
    assert.equal(code, 0, text)
    assert.match(text, new RegExp(`succeeded\\n.*"applied":${applied}`, 's'))
  }
  assert.equal((await fetch(`${service.url}/data/c`)).status, 200)
})

test('bad lines are shown, and the exit code says that there are some', async (t) => {
  await using service = await startService()
  const file = fileWith(t, 'items.ndjson', '{"id":"a","value":1}\nnope\n')
  const { code, text } = await run(file, '--url', service.url)
  assert.equal(code, 1)
  assert.match(text, /^succeeded, 1 of 2 lines rejected$.*^line 2: invalid_json: /ms)
})

test('an import is asked for again when answers fail in between, and followed to its end', async (t) => {
  const service = await startFakeService(t)
  const started = begin(fileWith(t, 'items.csv', 'id,name\na,A\n'), '--url', service.url)
  await started.line(/^accepted as \/imports\/x$/, soon)
  await started.line(/: asking again$/, soon)
  service.answer = running
  // Nobody looks at a bar.
  await started.line(/^applying +50%$/, soon)
  service.answer = { status: 503, body: { detail: 'It is away.' } }
  await started.line(/^503 It is away\.: asking again$/, soon)
  service.answer = succeeded
  assert.equal((await started.exited).code, 0)
  assert.deepEqual(started.output.slice(-2), ['succeeded', JSON.stringify(succeeded.body.lines)])
})

test('when no answer comes for too long, it says how to follow the import, and that does', async (t) => {
  const service = await startFakeService(t)
  const file = fileWith(t, 'items.csv', 'id,name\na,A\n')
  const given = await run(file, '--url', service.url, '--wait', '1')
  assert.equal(given.code, 69)
  const [, advice = ''] = /^No answer for 1 s\. .*: npm run import -- (.+)$/m.exec(given.text) ?? []
  assert.equal(advice, `--follow x --url ${service.url}`)
  service.answer = succeeded
  const followed = await run(...advice.split(' '))
  assert.deepEqual([followed.code, followed.text.split('\n')[0]], [0, 'succeeded'])
})

test('an import that is not known is told', async () => {
  await using service = await startService()
  const { code, text } = await run('--follow', '/imports/none', '--url', service.url)
  assert.equal(code, 1)
  assert.match(text, /^The service does not tell of it: 404 There is no import with this id\.$/)
})

test('a service or a file that is not there is told in a sentence', async (t) => {
  const file = fileWith(t, 'items.ndjson', '{"id":"a","value":1}\n')
  const refused = await run(file, '--url', `http://localhost:${await freePort()}`)
  assert.equal(refused.code, 69)
  assert.match(refused.text, /^.*ECONNREFUSED.*: is it running\? npm start$/)
  for (const [name, message] of [
    [`${file}.missing`, 'there is no such file'],
    [dirname(file), 'is a folder'],
  ] as const) {
    const { code, text } = await run(name)
    assert.equal(code, 66)
    assert.match(text, new RegExp(`^${name}.*${message}.*$`))
  }
})

test('wrong options exit with 64, and --help with 0', async () => {
  for (const args of [
    [],
    ['a', 'b'],
    ['a', '--follow', 'b'],
    ['a', '--url', 'b'],
    ['a', '--wait', '0'],
    ['--b'],
  ]) {
    const { code, text } = await run(...args)
    assert.equal(code, 64, args.join(' '))
    assert.match(text, /FILE +\.csv, or/)
  }
  const help = await run('--help')
  assert.equal(help.code, 0)
  assert.match(help.text, /^npm run import -- FILE/)
})
