import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** A TCP port of 127.0.0.1 that was free a moment ago. Where the listener can, give it port 0 instead. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Whether somebody listens there. Any other obstacle is for the one who wants to listen to find out. */
export async function isPortTaken(port: string, host: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ port, host })
    await once(server, 'listening')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  } finally {
    server.close()
  }
}

/**
 * Linux takes the ports of outgoing connections from 32,768 up, macOS from 49,152. A node of a Redis cluster listens
 * 10,000 above its port as well.
 */
const LISTENING_PORTS = [10_000, 22_768] as const
const LISTENING_PORT_TRIES = 100

/**
 * A free port for a server that may be away for a while and come back on it. Nobody gets it meanwhile by chance, not
 * even a client that tries to reconnect: on a port of the upper range it would, one time in 28,000, reach itself.
 */
export async function listeningPort(): Promise<number> {
  for (let tries = 0; tries < LISTENING_PORT_TRIES; tries++) {
    const port = randomInt(...LISTENING_PORTS)
    if (!(await isPortTaken(String(port), '127.0.0.1'))) return port
  }
  throw new Error(`no free port from ${LISTENING_PORTS.join(' to ')}`)
}
