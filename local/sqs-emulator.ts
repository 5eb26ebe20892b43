/** `node sqs-emulator.ts PORT [FOLDER]`: SQS emulated by fauxqs, for this machine alone, until a signal ends it. */
import { Server } from 'node:net'
import { startFauxqs } from 'fauxqs'

const [, , port = '', dataDir] = process.argv

// fauxqs would listen on every address of the machine.
const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, options: object) {
  return listen.call(this, { ...options, host: '127.0.0.1' })
} as typeof listen

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
