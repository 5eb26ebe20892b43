/** `node sqs-emulator.ts PORT [FOLDER]`: SQS emulated by fauxqs, for this machine alone, until a signal ends it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Server as HttpServer, type ServerResponse } from 'node:http'
import { Server } from 'node:net'
import { startFauxqs } from 'fauxqs'

const [, , port = '', dataDir] = process.argv

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
  process.exit()
})
process.stdout.write(`listening on ${emulator.port}\n`)
