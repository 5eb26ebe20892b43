import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What is told of a connection: requests go from the client to the target, answers come back. */
export type Direction = 'requests' | 'answers'

/** A way to a TCP server on which a test decides what a network may do to it. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Connections that are open. */
  readonly connections: number
  /** Connections that there have been. */
  readonly taken: number
  /** The URL of the target as seen through here. */
  through(url: string): string
  /** Where new connections go. */
  aim(port: number): void
  /** Nothing passes in these directions, and nobody is told; connections are still taken. */
  hold(...directions: readonly Direction[]): void
  /** What has been held back passes now, and what comes passes this much later. */
  pass(options?: { readonly delayMs?: number }): void
  /** Resolves when a client has sent these bytes, held back or not, from now on. */
  sent(text: string): Promise<void>
  /** Breaks every connection; what was held back is lost. */
  cut(): void
}

interface Chunk {
  readonly to: Socket
  readonly bytes: Buffer
  readonly direction: Direction
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let target = targetPort
  let delayMs = 0
  const held = new Set<Direction>()
  let kept: Chunk[] = []
  let watchers: { text: string; resolve: () => void }[] = []
  const sockets = new Set<Socket>()
  let taken = 0

  async function write({ to, bytes }: Chunk): Promise<void> {
    if (delayMs > 0) await delay(delayMs)
    if (!to.destroyed) to.write(bytes)
  }

  function arrived(chunk: Chunk): void {
    if (chunk.direction === 'requests') {
      const seen = watchers.filter(({ text }) => chunk.bytes.includes(text))
      watchers = watchers.filter((watcher) => !seen.includes(watcher))
      for (const { resolve } of seen) resolve()
    }
    if (held.has(chunk.direction)) kept.push(chunk)
    else void write(chunk)
  }

  const server = createServer({ noDelay: true }, (client) => {
    taken++
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true })
    for (const [from, to, direction] of [
      [client, upstream, 'requests'],
      [upstream, client, 'answers'],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes: Buffer) => arrived({ to, bytes, direction }))
      // A reset is an end as well.
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        // The network that is held does not tell one side that the other has gone.
        if (!held.has(direction)) to.destroySoon()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const cut = () => {
    kept = []
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    get connections() {
      return sockets.size / 2
    },
    get taken() {
      return taken
    },
    through(url) {
      const changed = new URL(url)
      changed.port = String(port)
      return changed.href
    },
    aim(next) {
      target = next
    },
    hold(...directions) {
      for (const direction of directions) held.add(direction)
    },
    pass(options = {}) {
      delayMs = options.delayMs ?? 0
      held.clear()
      for (const chunk of kept.splice(0)) void write(chunk)
    },
    sent(text) {
      const { promise, resolve } = Promise.withResolvers<void>()
      watchers.push({ text, resolve })
      return promise
    },
    cut,
    async [Symbol.asyncDispose]() {
      server.close()
      cut()
    },
  }
}
