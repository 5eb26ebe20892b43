// What of the official image's configuration our compose file relies on: its port, and where it keeps its messages.
import { dirname } from 'node:path'
import { startFauxqs } from 'fauxqs'

const settings = Object.fromEntries(process.argv.slice(2).map((arg) => arg.replace(/^-D/, '').split('=')))
const file = settings['messages-storage.uri']?.replace(/^jdbc:h2:/, '')
const isKept = settings['messages-storage.enabled'] === 'true' && file !== undefined
const emulator = await startFauxqs({
  port: 9324,
  logger: false,
  ...(isKept && { dataDir: dirname(file) }),
})
process.once('SIGTERM', async () => {
  await emulator.stop()
  process.exit()
})
