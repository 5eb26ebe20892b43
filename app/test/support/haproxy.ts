import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debianTool } from '../../../local/debian.ts'
import { freePort } from '../../../local/ports.ts'
import { startProcess } from '../../../local/processes.ts'
import { createThrowAwayFolder } from '../../../local/throw-away.ts'
import { waitForHttp, waitUntil } from '../../../local/wait.ts'

const START_MS_MAX = 10_000

/** How often each backend is asked for its health; two answers in a row change what is thought of it. */
export const CHECK_EVERY_MS = 200

export interface Balancer extends AsyncDisposable {
  readonly port: number
  /** Resolves once the balancer sends requests to all of the backends. */
  allUp(timeoutMs: number): Promise<void>
}

/**
 * HAProxy in front of the backends, as strict as an ALB: it probes `/health/ready` and waits 5 s for an answer, keeps
 * connections to the backends, and never sends a request a second time, so that each failure of a backend is seen by
 * a client.
 */
export async function startBalancer(backendPorts: readonly number[]): Promise<Balancer> {
  const { path, env } = await debianTool('haproxy')
  const folder = createThrowAwayFolder()
  const [port, statsPort] = [await freePort(), await freePort()]
  const file = join(folder, 'haproxy.cfg')
  await writeFile(file, configuration(port, statsPort, backendPorts))
  const haproxy = startProcess({ command: path, args: ['-db', '-f', file], env: { ...process.env, ...env } })
  const stop = async () => {
    await haproxy.stop({ signal: 'SIGKILL' })
    await rm(folder, { recursive: true })
  }
  const states = async () => {
    const csv = await (await fetch(`http://127.0.0.1:${statsPort}/;csv`)).text()
    return csv.split('\n').flatMap((line) => /^backends,s\d+,.*?,(UP|DOWN)[ ,]/.exec(line)?.[1] ?? [])
  }
  try {
    await waitForHttp(`http://127.0.0.1:${statsPort}/;csv`, { timeoutMs: START_MS_MAX })
  } catch (cause) {
    await stop()
    throw new Error(`HAProxy does not start: ${haproxy.output.join('\n')}`, { cause })
  }
  return {
    port,
    async allUp(timeoutMs) {
      const allAreUp = async () =>
        (await states()).filter((state) => state === 'UP').length === backendPorts.length
      await waitUntil('the balancer sees all backends up', allAreUp, { timeoutMs })
    },
    [Symbol.asyncDispose]: stop,
  }
}

function configuration(port: number, statsPort: number, backendPorts: readonly number[]): string {
  const servers = backendPorts.map((backend, n) => `  server s${n} 127.0.0.1:${backend} check`)
  return `
global
  nbthread 1
  maxconn 1000

defaults
  mode http
  retries 0
  no option redispatch
  option http-keep-alive
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 5s

frontend clients
  bind 127.0.0.1:${port}
  default_backend backends

backend backends
  balance roundrobin
  http-reuse always
  option httpchk GET /health/ready
  http-check expect status 200
  default-server inter ${CHECK_EVERY_MS}ms fall 2 rise 2
${servers.join('\n')}

frontend stats
  bind 127.0.0.1:${statsPort}
  stats enable
  stats uri /
`
}
