import { rm } from 'node:fs/promises'
import type { RunningProcess } from '../../../local/processes.ts'
import { createThrowAwayFolder } from '../../../local/throw-away.ts'

/** A server for tests that break it. Disposing of it ends it, and removes its folder. */
export interface Breakable extends AsyncDisposable {
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
  /** Ends it in order. */
  stop(): Promise<void>
  /** Starts it again on the same port, with what is in its folder. */
  start(): Promise<void>
  /** SIGSTOP: connections stay open and new ones are taken, but nobody answers. */
  freeze(): void
  /** Ends `freeze`. */
  thaw(): void
}

interface Server extends Pick<RunningProcess, 'exited' | 'signal'> {
  readonly port: number
  stop(): Promise<void>
}

/** Starts a server in a folder of its own, on a free port the first time; returns it, and what breaks it. */
export async function startBreakable<Started extends Server>(
  startIn: (folder: string, port?: number) => Promise<Started>,
): Promise<{ readonly first: Started; readonly breakable: Breakable }> {
  const folder = createThrowAwayFolder()
  const first = await startIn(folder)
  let server = first
  const kill = async () => {
    server.signal('SIGKILL')
    await server.exited
  }
  const breakable = {
    kill,
    stop: () => server.stop(),
    async start() {
      server = await startIn(folder, first.port)
    },
    freeze: () => void server.signal('SIGSTOP'),
    thaw: () => void server.signal('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(folder, { recursive: true })
    },
  }
  return { first, breakable }
}
