import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { frame } from './raw-http.ts'

export interface Pool {
  /** Opens all connections, while nothing else is asked of the server. Throws when they are not open in time. */
  fill(timeoutMs: number): Promise<void>
  /** Sends on an idle connection, or opens one for one that was lost; false when there is none now. */
  send(request: Buffer, scheduledMs: number): boolean
  /** Connections with a request that has no answer yet. */
  busy(): number
  /** Connections that are open or being opened. */
  size(): number
  close(): void
}

/**
 * Called once for each request: with the status of its answer, or undefined when its connection broke; `head` is the
 * answer's, as it came, and is overwritten afterwards.
 */
export type Settle = (status: number | undefined, scheduledMs: number, head?: Buffer) => void

interface Connection {
  readonly socket: Socket
  scheduledMs: number | undefined
  received: Buffer | undefined
  usable: boolean
}

// Well below the backlog of a listening node:http server (511): beyond it the kernel drops the handshake, and
// the second that its retry takes would be counted as the service's.
const OPENING_MAX = 128

/**
 * Raw connections to `origin`, at most `connectionsMax`, with one request outstanding on each. They are meant to be
 * opened before the load: Node 26 (libuv 1.52) accepts one connection in each turn of its event loop, which a loaded
 * server takes for every few milliseconds; a pool that grew under load measured seconds of that queue and little else.
 */
export function connectionPool(origin: URL, connectionsMax: number, settle: Settle): Pool {
  const connections = new Set<Connection>()
  const idle: Connection[] = []
  // Reads are handled as they come, so that one buffer does for all.
  const buffer = Buffer.allocUnsafe(64 * 1_024)
  let opening = 0
  let busy = 0

  function open(): Connection {
    const onread = { buffer, callback: (length: number) => receive(connection, buffer.subarray(0, length)) }
    const socket = connect({ host: origin.hostname, port: Number(origin.port), noDelay: true, onread })
    const connection: Connection = { socket, scheduledMs: undefined, received: undefined, usable: true }
    connections.add(connection)
    opening += 1
    let opened = false
    socket.once('connect', () => {
      opened = true
      opening -= 1
      if (connection.scheduledMs === undefined) idle.push(connection)
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      if (!opened) opening -= 1
      connections.delete(connection)
      connection.usable = false
      finish(connection, undefined)
    })
    return connection
  }

  function receive(connection: Connection, chunk: Buffer): boolean {
    const { received } = connection
    const whole = received === undefined ? chunk : Buffer.concat([received, chunk])
    const answer = frame(whole, whole.length)
    connection.received = answer === undefined ? Buffer.from(whole) : undefined
    if (answer === undefined) return true
    connection.usable = !answer.closes
    finish(connection, answer.status, whole.subarray(0, answer.bodyAt))
    if (connection.usable) idle.push(connection)
    else connection.socket.end()
    return true
  }

  function finish(connection: Connection, status: number | undefined, head?: Buffer): void {
    if (connection.scheduledMs === undefined) return
    busy -= 1
    settle(status, connection.scheduledMs, head)
    connection.scheduledMs = undefined
  }

  function take(): Connection | undefined {
    let connection = idle.pop()
    while (connection !== undefined && !connection.usable) connection = idle.pop()
    if (connection !== undefined) return connection
    return connections.size < connectionsMax && opening < OPENING_MAX ? open() : undefined
  }

  return {
    async fill(timeoutMs) {
      const untilMs = performance.now() + timeoutMs
      while (idle.length < connectionsMax) {
        while (connections.size < connectionsMax && opening < OPENING_MAX) open()
        if (performance.now() > untilMs)
          throw new Error(`${idle.length} of ${connectionsMax} connections are open`)
        await delay(1)
      }
    },
    send(request, scheduledMs) {
      const connection = take()
      if (connection === undefined) return false
      busy += 1
      connection.scheduledMs = scheduledMs
      connection.socket.write(request)
      return true
    },
    busy: () => busy,
    size: () => connections.size,
    close: () => {
      for (const { socket } of connections) socket.destroy()
    },
  }
}
