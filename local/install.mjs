// Runs before every npm script, also on the Node 20 that a machine may have: plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const lockFile = join(root, '.local/install.lock')
const LOCK_POLL_MS = 200
const LOCK_MS_MAX = 600_000
const ownNode = join(root, 'node_modules/.bin/node')
const [nodeMajor] = process.versions.node.split('.').map(Number)

if (nodeMajor < 20) fail(`Node ${process.versions.node} is too old: install Node 20 or newer.`)
if (missingFolders().length > 0) {
  lock()
  // Another process may have installed them while this one waited.
  for (const folder of missingFolders()) install(folder)
}
if (nodeMajor < 26 && !existsSync(ownNode)) failWithoutOwnNode()

/** Those whose packages are not the ones that their lock file names. */
function missingFolders() {
  return ['.', 'app'].filter((folder) => contentOf(stampFileOf(folder)) !== stampOf(folder))
}

function stampFileOf(folder) {
  return join(root, folder, 'node_modules/.installed')
}

function stampOf(folder) {
  const hash = createHash('sha256').update(readFileSync(join(root, folder, 'package-lock.json')))
  return `${hash.digest('hex')} ${process.platform} ${process.arch}\n`
}

function install(folder) {
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
  writeFileSync(stampFileOf(folder), stampOf(folder))
}

/** Waits until no other process installs: two `npm ci` in one folder delete each other's files. */
function lock() {
  mkdirSync(join(root, '.local'), { recursive: true })
  const deadlineMs = performance.now() + LOCK_MS_MAX
  for (let waits = false; !takeLock(); waits = true) {
    if (!waits) process.stdout.write('another process is installing npm packages: waiting for it\n')
    if (performance.now() > deadlineMs)
      fail(`${lockFile} is still there: delete it, then run the same again.`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS)
  }
  process.on('exit', () => rmSync(lockFile, { force: true }))
}

function takeLock() {
  // Linked when it has its content: nobody sees a lock without its owner.
  const own = `${lockFile}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, lockFile)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    removeStaleLock()
    return false
  } finally {
    rmSync(own)
  }
}

/** Moved away before it is removed, so that of several who find it only one does it, and none removes its successor. */
function removeStaleLock() {
  if (!isStale(lockFile)) return
  const moved = `${lockFile}.${process.pid}.stale`
  try {
    renameSync(lockFile, moved)
    if (!isStale(moved)) linkSync(moved, lockFile)
    rmSync(moved)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

function isStale(file) {
  const owner = contentOf(file)
  if (owner === undefined) return false
  try {
    process.kill(Number(owner), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function contentOf(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return undefined
  }
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
