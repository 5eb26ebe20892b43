import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { endBy, onStopSignal } from './signals.ts'

/**
 * The entry point of every role. The rest is imported only on a Node.js that can run it: an older one would fail on
 * the first name that it does not know, and not say why.
 */
const NODE_MAJOR_MIN = 26

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `Node.js ${NODE_MAJOR_MIN} or newer is needed, and this is ${process.version}. ` +
      'npm start brings its own; the image has it.\n',
  )
  process.exit(1)
}

// Types are stripped and code is compiled once, not at every start. Where the folder cannot be written, nothing is lost.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)))

// Until there is something to stop in order, and for the roles that have nothing.
onStopSignal(endBy)

const { run } = await import('./run.ts')
await run()
