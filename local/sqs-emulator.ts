/** `node sqs-emulator.ts PORT [FOLDER]`: SQS emulated by fauxqs, for this machine alone, until a signal ends it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdirSync } from 'node:fs'
import { Server as HttpServer, type ServerResponse } from 'node:http'
import { Server } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startFauxqs } from 'fauxqs'

/** The one before may need a moment to end. */
const IN_USE_MS_MAX = 15_000

const [, , port = '', dataDir] = process.argv
const lock = dataDir === undefined ? undefined : takeLock(dataDir)

// fauxqs would listen on every address of the machine.
const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, options: object) {
  return listen.call(this, { ...options, host: '127.0.0.1' })
} as typeof listen

// In fauxqs a long poll goes on when its client has gone, and takes the next message with it until that is visible again.
const responses = new AsyncLocalStorage<ServerResponse>()
const { emit } = HttpServer.prototype
HttpServer.prototype.emit = function (this: HttpServer, event: string, ...args: unknown[]) {
  const emitted = () => Reflect.apply(emit, this, [event, ...args]) as boolean
  return event === 'request' ? responses.run(args[1] as ServerResponse, emitted) : emitted()
} as typeof emit

interface Waiter {
  readonly timer: NodeJS.Timeout
}

interface Waiters {
  pollWaiters: Waiter[]
}

const { SqsQueue } = await import(new URL('sqs/sqsStore.js', import.meta.resolve('fauxqs')).href)
const { waitForMessages } = SqsQueue.prototype
SqsQueue.prototype.waitForMessages = function (this: Waiters, seconds: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  waitForMessages.call(this, seconds).then(resolve)
  const waiter = this.pollWaiters.at(-1) as Waiter
  responses.getStore()?.once('close', () => {
    clearTimeout(waiter.timer)
    this.pollWaiters = this.pollWaiters.filter((other) => other !== waiter)
    reject(new Error('the client has gone'))
  })
  return promise
}

const emulator = await startFauxqs({
  port: Number(port),
  logger: false,
  host: '127.0.0.1',
  ...(dataDir && { dataDir }),
})
process.once('SIGTERM', async () => {
  await emulator.stop()
  lock?.close()
  process.exit()
})
process.stdout.write(`listening on ${emulator.port}\n`)

/** Of a folder, until this process ends, however: an emulator reads its messages once, and never learns of another's. */
function takeLock(folder: string): DatabaseSync {
  mkdirSync(folder, { recursive: true })
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: IN_USE_MS_MAX })
  try {
    database.exec('begin exclusive')
    return database
  } catch (error) {
    process.stderr.write(`The messages in ${folder} cannot be used: ${(error as Error).message}\n`)
    process.exit(1)
  }
}
