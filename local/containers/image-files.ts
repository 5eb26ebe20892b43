import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createGzip } from 'node:zlib'
import { docker } from './docker.ts'

export interface ImageFile {
  readonly path: string
  readonly bytes: number
  /** As `ls -l` writes it. */
  readonly mode: string
}

/** All regular files that a container of the image finds, the empty ones that Docker itself puts there included. */
export async function filesOf(image: string): Promise<ImageFile[]> {
  const id = await docker('create', image)
  try {
    const archive = spawn('docker', ['export', id], { stdio: ['ignore', 'pipe', 'inherit'] })
    const tar = spawn('tar', ['--list', '--verbose', '--numeric-owner'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    archive.stdout.pipe(tar.stdin)
    const files: ImageFile[] = []
    for await (const line of createInterface({ input: tar.stdout })) {
      const [, mode = '', bytes, path = ''] =
        /^(\S+) \S+ +(\S+) \S+ \S+ (?:\.\/)?(.+?)(?: -> .+)?$/.exec(line) ?? []
      // Folders, and the devices and links that Docker itself puts there, have no content.
      if (mode.startsWith('-')) files.push({ path, bytes: Number(bytes), mode })
    }
    return files
  } finally {
    await docker('rm', id)
  }
}

export async function unpackedBytes(image: string): Promise<number> {
  return (await filesOf(image)).reduce((sum, { bytes }) => sum + bytes, 0)
}

/** What a registry would have to send for the whole image, within a percent. */
export async function compressedBytes(image: string): Promise<number> {
  const archive = spawn('docker', ['save', image], { stdio: ['ignore', 'pipe', 'inherit'] })
  let bytes = 0
  const gzip = archive.stdout.pipe(createGzip())
  gzip.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  await once(gzip, 'end')
  return bytes
}
