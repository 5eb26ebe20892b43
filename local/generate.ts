import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configurationTable } from '../app/src/config/describe.ts'
import { parseConfig } from '../app/src/config.ts'
import { createApp } from '../app/src/http/app.ts'
import { collectOpenApi } from '../app/src/http/openapi.ts'
import { createLifecycle } from '../app/src/lifecycle.ts'
import { createLog } from '../app/src/log.ts'
import { createMetrics } from '../app/src/metrics.ts'
import { currentRelease } from '../app/src/release.ts'
import { wireData } from '../app/src/wire.ts'

/** `npm run generate`: the files that are made from the code. With `--check`, names those that are out of date. */

const generated: readonly { readonly path: string; readonly make: () => Promise<string> | string }[] = [
  { path: 'app/openapi.json', make: openApiDocument },
  { path: 'docs/configuration.md', make: configurationPage },
]

async function openApiDocument(): Promise<string> {
  const config = parseConfig({ LOG_LEVEL: 'silent' })
  const release = currentRelease()
  const output = createLog('silent')
  const registry = createMetrics(config, release, output)
  const data = await wireData(config, registry, output.log)
  const state = createLifecycle(data.dependencies)
  const work = { wake() {} }
  const context = { config, ...data, work, state, registry, output, version: release.version }
  const { app } = await createApp(context, (routes) => collectOpenApi(routes, release.version))
  const document = app.swagger()
  await app.close()
  return `${JSON.stringify(document, null, 2)}\n`
}

function configurationPage(): string {
  return `# Configuration

The service is configured by its environment alone, and reads it once. All faults are reported together, and the
process ends with code 78. An empty variable counts as not set. A secret may be in a file that \`NAME_FILE\` names; the
file is read again whenever the secret is used. \`node app/src/main.ts --print-config\` shows what is in effect.

Made from \`app/src/config/variables.ts\` by \`npm run generate\`.

${configurationTable()}
`
}

const checks = process.argv.includes('--check')
let stale = 0
for (const { path, make } of generated) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  const text = await make()
  if (readIfThere(file) === text) continue
  if (checks) {
    stale++
    process.stderr.write(`${path} is out of date: run npm run generate\n`)
  } else {
    writeFileSync(file, text)
    process.stdout.write(`${path} written\n`)
  }
}
process.exit(stale === 0 ? 0 : 1)

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
