// Runs before every npm script, also on the Node 20 that a machine may have: plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const ownNode = join(root, 'node_modules/.bin/node')
const [nodeMajor] = process.versions.node.split('.').map(Number)

if (nodeMajor < 20) fail(`Node ${process.versions.node} is too old: install Node 20 or newer.`)
for (const folder of ['.', 'app']) installIfMissing(folder)
if (nodeMajor < 26 && !existsSync(ownNode)) failWithoutOwnNode()

function installIfMissing(folder) {
  const stampFile = join(root, folder, 'node_modules/.installed')
  const lock = createHash('sha256').update(readFileSync(join(root, folder, 'package-lock.json')))
  const stamp = `${lock.digest('hex')} ${process.platform} ${process.arch}\n`
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return

  process.stdout.write(`installing npm packages in ${folder === '.' ? 'the root' : `${folder}/`} (npm ci)\n`)
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: join(root, folder),
    env: environmentForNpm(),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (npm.error) fail(`npm could not be started (${npm.error.code}): install Node 20 or newer with its npm.`)
  if (npm.status !== 0) {
    fail(
      `npm ci failed: check that this machine reaches the npm registry (\`npm ping\`), then run the same again.`,
    )
  }
  // Packages for this platform are optional to npm: it succeeds where there is none.
  if (folder === '.' && nodeMajor < 26 && spawnSync(ownNode, ['--version']).status !== 0) failWithoutOwnNode()
  writeFileSync(stampFile, stamp)
}

/**
 * The outer npm puts node_modules/.bin first, whose `node` the inner one is about to delete, and tells its own
 * folder, which the inner one would take for its own.
 */
function environmentForNpm() {
  const { npm_config_local_prefix, npm_config_prefix, ...environment } = process.env
  const path = (environment.PATH ?? '').split(delimiter)
  return { ...environment, PATH: path.filter((part) => !part.endsWith('node_modules/.bin')).join(delimiter) }
}

function failWithoutOwnNode() {
  fail(
    `There is no Node 26 on npm for ${process.platform} ${process.arch}, only for Linux (x64, arm64; glibc) and ` +
      `macOS (arm64): install Node 26 or newer, then run the same again.`,
  )
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
