import assert from 'node:assert/strict'
import { existsSync, globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseEnv } from 'node:util'
import { NEAR_MS } from '../../app/src/cache/near-level.ts'
import { parseConfig } from '../../app/src/config.ts'
import { ownFiles, textOf } from '../../app/test/support/repository.ts'
import { acts } from '../../tour/acts/all.ts'
import { readTiers } from '../../tour/tiers.ts'
import { childrenOf, READY, type ReadyLauncher, root, startReady, temporaryFolder } from './launcher.ts'
import { ask, type Command, commands, curls, diagram, inShell, readme } from './readme.ts'

/** Everything in the README is tried: its commands are run, and what it promises is compared with what there is. */

interface Tools {
  readonly t: TestContext
  readonly command: Command
  /** The whole system, as the README starts it, but for the place of its data. */
  readonly system: ReadyLauncher
  readonly dataDir: string
}

type Case = (tools: Tools) => unknown

/** What takes minutes: that CI runs it as it stands here is enough. */
const isRunByCi: Case = ({ command }) =>
  assert.match(textOf('.ci/run'), new RegExp(`^stage \\w+ ${command.text}$`, 'm'))

const cases: Readonly<Record<string, Case>> = {
  'npm start': startsBothWays,
  'npm test': async (tools) => {
    isRunByCi(tools)
    assert.match(await inShell('npm test -- app/test/domain/backoff.test.ts'), /^ℹ fail 0$/m)
  },
  'npm start -- --help': async ({ command }) =>
    assert.match(await inShell(command.text), /--tier N.*--workers N.*--data-dir DIR/s),
  'npm run tour': async ({ command }) => {
    const help = await inShell(`${command.text} -- --help`)
    for (const { name } of acts) assert.match(help, new RegExp(`^ {4}${name} `, 'm'))
  },
  'npm run import -- FILE': async ({ command, t, system }) => {
    const file = join(temporaryFolder(t), 'items.csv')
    writeFileSync(file, 'id,name\nb,Bea\n')
    const told = await inShell(`${command.text.replace('FILE', file)} --url ${system.url}`)
    assert.match(told, /"applied":1/)
  },
  'npm run redrive -- list': async ({ command, system, dataDir }) => {
    const list = `${command.text} --data-dir ${dataDir}`
    assert.equal(await system.line(/^ {2}redrive /, READY), `  redrive  ${list}`)
    assert.match(await inShell(list), /^nothing was given up$/m)
    assert.match(await inShell(list.replace('list', 'return --all')), /^returned 0$/m)
  },
  'npm run check': isRunByCi,
  'npm run mutants': async (tools) => {
    isRunByCi(tools)
    assert.match(await inShell('npm run mutants -- --help'), /requires the test/)
  },
  'npm run containers': isRunByCi,
  'npm run bench': async ({ command }) =>
    assert.match(await inShell(`${command.text} -- --help`), /bare node:http.*pgbench.*cache.*queue.*COPY/s),
}

test('a command of the README is one that is tried here, or asked with curl, or run with Docker', () => {
  // local/containers/test/readme.test.ts runs those for Docker.
  const elsewhere = commands.filter((command) => isForDocker(command) || curls.includes(command))
  const known = [...Object.keys(cases), ...elsewhere.map(({ text }) => text)]
  assert.deepEqual(known.sort(), commands.map(({ text }) => text).sort())
})

function isForDocker({ text }: Command): boolean {
  return text.startsWith('docker compose ')
}

test('every command of the README runs, and is answered as it says', async (t) => {
  const dataDir = temporaryFolder(t)
  const system = await startReady(t, ['npm', 'start', '--', '--data-dir', dataDir])
  for (const command of commands.filter((one) => !isForDocker(one))) {
    await t.test(command.text, async (t) => {
      if (curls.includes(command)) return ask(command, system.url)
      await cases[command.text]?.({ t, command, system, dataDir })
    })
  }
})

async function startsBothWays({ t, command, system }: Tools): Promise<void> {
  assert.equal(system.tier, '4')
  const [, ...paths] = /describes itself at `(.+?)` and `(.+?)`/.exec(readme) ?? assert.fail()
  for (const path of paths) assert((await fetch(system.url + path)).ok, path)
  const [options = ''] = /-- --tier 1(?=` is one process)/.exec(command.comment) ?? []
  const tier1 = await startReady(t, [...`${command.text} ${options}`.split(' '), '--ephemeral'])
  assert.equal(tier1.tier, '1')
  const [launcher = 0] = childrenOf(tier1.pid, /local\/start\.ts/)
  assert.equal(childrenOf(launcher, /main\.ts|postgres|redis|sqs/).length, 1)
  await tier1.stop()
}

/** By which each variable of the table may lead the service to what it names. */
const values: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://user@host/data',
  REDIS_URL: 'redis://host',
  QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/1/queue',
}

test('the tiers of the table are those of the diagram and of tiers/, and need all that they add', () => {
  const tiers = readTiers()
  const numbers = tiers.map(({ tier }) => tier)
  assert.deepEqual(
    [...diagram.matchAll(/^tier (\d) /gm)].map(([, tier]) => Number(tier)),
    numbers,
  )
  assert.deepEqual(
    globSync('tiers/*.env', { cwd: root }).sort(),
    numbers.map((tier) => `tiers/tier-${tier}.env`),
  )
  let environment: Readonly<Record<string, string>> = {}
  for (const { tier, name, adds } of tiers) {
    for (const [, variable = ''] of adds.matchAll(/`(\w+)`/g)) {
      assert.notEqual(parseConfig(environment).tier, tier, `without ${variable}`)
      environment = { ...environment, [variable]: values[variable] ?? assert.fail(variable) }
    }
    assert.equal(parseConfig(environment).tier, tier)
    const file = textOf(`tiers/tier-${tier}.env`)
    assert.match(file, new RegExp(`^# Tier ${tier}, ${name}: `))
    const found = Object.keys(parseEnv(file)).filter((key) => /^COMPOSE_.*_(HOST|URL)$/.test(key))
    assert.deepEqual(
      new Set(found.map((key) => key.replace('_HOST', '_URL'))),
      new Set(Object.keys(environment).map((variable) => `COMPOSE_${variable}`)),
    )
  }
})

test('the map has every top folder, and the picture as many acts as there are', () => {
  const folders = new Set(ownFiles.flatMap((path) => /^[^/]+(?=\/)/.exec(path) ?? []))
  const rows = readme.slice(readme.indexOf('| folder |')).match(/^\| \[.*?(?= \| )/gm) ?? []
  const mapped = rows.flatMap((row) => [...row.matchAll(/\[(\S+)\/\]\(\1\/\)/g)].map(([, name]) => name))
  assert.deepEqual(mapped.toSorted(), [...folders].sort())
  const [, picture = '', told] = /<img src="([^"]+)".* alt="[^"]* (\d+) acts,/.exec(readme) ?? []
  assert(existsSync(join(root, picture)))
  assert.equal(Number(told), acts.length)
})

test('the release, the oldest Node.js and the life of the near level are those of the code', () => {
  const { version, engines } = JSON.parse(textOf('package.json'))
  const [, newest] = /^## (\S+), tier \d: /m.exec(textOf('CHANGELOG.md')) ?? []
  const [, told] = /\(release (\S+); /.exec(readme) ?? []
  assert.deepEqual([told, newest, JSON.parse(textOf('app/package.json')).version], Array(3).fill(version))
  assert.equal(`>=${/^Node (\d+) or newer/m.exec(readme)?.[1]}`, engines.node)
  assert.match(diagram, new RegExp(`near level, ${NEAR_MS} ms$`, 'm'))
})

test('the API has the paths and methods that are told', () => {
  const { paths } = JSON.parse(textOf('app/openapi.json')) as { paths: Record<string, object> }
  const [, api = ''] = /^(The API: .*?) A running service /ms.exec(readme) ?? []
  const told = [...api.matchAll(/`(?:[A-Z]+ )?(\/\S+)`/g)].map(([, path = '']) => path.replace(':id', '{id}'))
  assert(told.length > 0)
  for (const path of told) assert(Object.hasOwn(paths, path), path)
  const [, methods = ''] = /`\/data\/:id` \((.*?), with/.exec(api) ?? []
  assert.equal(
    methods,
    Object.keys(paths['/data/{id}'] ?? {})
      .map((method) => `\`${method.toUpperCase()}\``)
      .join(', '),
  )
})
