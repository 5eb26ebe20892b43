import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitForHttp } from '../wait.ts'

const root = join(import.meta.dirname, '../..')

export interface Command {
  /** As it is to be typed in. */
  readonly text: string
  /** What stands behind it. */
  readonly comment: string
}

export const readme = readFileSync(join(root, 'README.md'), 'utf8')

const FENCED = /^```\n([\s\S]*?)^```$/gm
const blocks = [...readme.matchAll(FENCED)].map(([, block = '']) => block)

/** How the tiers look: the one block that is no commands. */
export const diagram = blocks.find((block) => block.startsWith('tier 1 ')) ?? ''

/** Every command of the README once: the lines of its blocks, and what stands in backticks and begins as one does. */
export const commands: readonly Command[] = [
  ...new Map(
    [...blocks.flatMap(linesOf), ...spans()].toReversed().map((command) => [command.text, command]),
  ).values(),
].toReversed()

function linesOf(block: string): Command[] {
  if (block === diagram) return []
  return block
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [text = '', comment = ''] = line.split(/ +# /)
      return { text, comment }
    })
}

function spans(): Command[] {
  return [...readme.replace(FENCED, '').matchAll(/`((?:npm|npx|node|docker|curl|env|git) [^`]+)`/g)].map(
    ([, text = '']) => ({ text: text.replace(/\s+/g, ' '), comment: '' }),
  )
}

/** Runs a command in the root by the shell that people have, and resolves to its output. Rejects when it fails. */
export async function inShell(command: string, variables: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, ...variables }
  return (await promisify(execFile)('bash', ['-c', command], { cwd: root, env })).stdout
}

/** What a service with seed data answers to those that are asked with curl, in the README's order. */
const answers: Readonly<Record<string, (answer: Record<string, unknown>, url: string) => unknown>> = {
  'curl localhost:8000/health': ({ status }) => assert.equal(status, 'ok'),
  'curl localhost:8000/data/1': ({ id, value }) =>
    assert.deepEqual({ id, value }, { id: '1', value: { name: 'Item 1' } }),
  "curl localhost:8000/imports -H 'content-type: text/csv' --data-binary $'id,name\\na,Anna\\n'": async (
    { lines },
    url,
  ) => {
    assert.equal((lines as { total: number }).total, 1)
    const item = JSON.parse(await waitForHttp(`${url}/data/a`, { timeoutMs: 30_000 }))
    assert.deepEqual(item.value, { name: 'Anna' })
  },
}

export const curls = commands.filter(({ text }) => text.startsWith('curl '))

/** Asks as the README does, only at the port of `url`. Throws when the answer is another one than it should be. */
export async function ask({ text }: Command, url: string): Promise<void> {
  const check =
    answers[text] ?? assert.fail(`no answer is known to \`${text}\`: add it to local/test/readme.ts`)
  const answer = await inShell(text.replace('curl ', 'curl -sS ').replace(':8000', `:${new URL(url).port}`))
  await check(JSON.parse(answer), url)
}
