import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Load, LoadOptions } from '../load.ts'

const module = join(import.meta.dirname, '../load.ts')

/**
 * A load from a container of `image` in a network: nothing is between it and the service. What became of it is known
 * when it has ended. The module is sent as text: it needs no file of this machine, and imports no other of ours.
 */
export function startLoadInside(image: string, network: string, url: string, options: LoadOptions): Load {
  const program = `${readFileSync(module, 'utf8')}
    const load = startLoad('${url}', ${JSON.stringify(options)})
    process.stdin.resume().on('end', async () => {
      await load.end()
      process.stdout.write(JSON.stringify([load.count, ...load.failures]))
    })`
  const node = ['/usr/local/bin/node', image, '--input-type=module-typescript', '--eval', program]
  const docker = spawn(
    'docker',
    ['run', '--rm', '--interactive', '--network', network, '--entrypoint', ...node],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  let text = ''
  docker.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const ended = once(docker, 'close')
  let [count, ...failures]: [number, ...[string, number][]] = [0]
  return {
    get count() {
      return count
    },
    get failures() {
      return new Map(failures)
    },
    async end() {
      docker.stdin.end()
      await ended
      ;[count, ...failures] = JSON.parse(text)
    },
  }
}
