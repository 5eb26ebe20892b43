import type { ClientRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../ask.ts'
import type { Service } from '../service.ts'
import { type ImportText, lineOf, openUpload } from './upload.ts'

const WRITERS = 4
const IMPORTERS = 2
const PAUSE_MS = 5
/** More than a chunk has. */
const LINES = 620

/** Clients that write and import, and know what was acknowledged. */
export interface WorkLoad extends AsyncDisposable {
  /** Answers that are not 2xx. */
  readonly faults: readonly string[]
  /** Each change that was acknowledged, as `<id> <version>`; of imports, those that their lines have to make. */
  readonly changes: ReadonlySet<string>
  /** Ids of imports that were acknowledged. */
  readonly imports: readonly string[]
  /** Uploads that were broken off, or whose body has not ended. */
  readonly broken: number
  readonly writes: number
  /** Resolves when everything that was begun has been answered. */
  end(): Promise<void>
}

/** Ids begin with `name`. */
export function startWorkLoad(service: Service, name: string): WorkLoad {
  const faults: string[] = []
  const changes = new Set<string>()
  const imports: string[] = []
  const open: ClientRequest[] = []
  let broken = 0
  let writes = 0
  let hasEnded = false

  async function write(writer: number): Promise<void> {
    for (let version = 1; !hasEnded; version++) {
      const id = `${name}-put-${writer}`
      const { status, body } = await ask<{ version: number }>(service, 'PUT', `/data/${id}`, version)
      if (status >= 300) return void faults.push(`PUT ${id}: ${status} ${JSON.stringify(body)}`)
      changes.add(`${id} ${body.version}`)
      writes++
      const read = await ask<{ version: number }>(service, 'GET', `/data/${id}`)
      if (read.body.version !== version) faults.push(`GET ${id}: ${JSON.stringify(read.body)}`)
      await delay(PAUSE_MS)
    }
  }

  async function importWhole(part: string): Promise<void> {
    const ids = Array.from({ length: LINES }, (_, n) => `${name}-${part}-${n}`)
    const { request, answer } = openUpload(service)
    request.end(ids.map((id) => lineOf(id)).join(''))
    const { status, body }: { status: number; body: ImportText } = await answer
    if (status !== 202) return void faults.push(`POST ${name}-${part}: ${status} ${JSON.stringify(body)}`)
    for (const id of ids) changes.add(`${id} 1`)
    imports.push(body.id)
  }

  /** Chunks of it are staged, and its end never comes. */
  function importPart(part: string): ClientRequest {
    const { request } = openUpload(service)
    for (let n = 0; n < LINES; n++) request.write(lineOf(`${name}-${part}-${n}`))
    broken++
    return request
  }

  async function load(importer: number): Promise<void> {
    open.push(importPart(`open-${importer}`))
    for (let n = 0; !hasEnded; n++) {
      await importWhole(`import-${importer}-${n}`)
      const cut = importPart(`cut-${importer}-${n}`)
      await delay(10 * PAUSE_MS)
      cut.destroy()
    }
  }

  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
  const running = Promise.all([...numbers(WRITERS).map(write), ...numbers(IMPORTERS).map(load)])
    .catch((error: unknown) => void faults.push(String(error)))
    .finally(() => {
      for (const request of open) request.destroy()
    })
  const end = async () => {
    hasEnded = true
    await running
  }
  return {
    faults,
    changes,
    imports,
    get broken() {
      return broken
    },
    get writes() {
      return writes
    },
    end,
    [Symbol.asyncDispose]: end,
  }
}
