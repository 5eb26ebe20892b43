import type { Random } from '../random.ts'

/** Turns a well-formed message into one whose framing is broken. FIN is to be sent behind it. */
export function wreck(random: Random, message: Buffer): { kind: string; bytes: Buffer } {
  const kind = random.pick([
    'raw garbage',
    'a truncated request',
    'a flipped byte',
    'garbage behind a request',
    'a wrong start line',
    'a wrong length',
  ])
  return { kind, bytes: wrecked(random, kind, message) }
}

function wrecked(random: Random, kind: string, message: Buffer): Buffer {
  switch (kind) {
    case 'raw garbage':
      return noise(random, 1 + random.below(300))
    case 'a truncated request':
      return message.subarray(0, random.below(message.length))
    case 'a flipped byte':
      return flipped(random, message)
    case 'garbage behind a request':
      return Buffer.concat([message, noise(random, 1 + random.below(50))])
    case 'a wrong start line':
      return Buffer.concat([Buffer.from(startLine(random)), message.subarray(message.indexOf('\r\n'))])
    default:
      return otherLength(random, message)
  }
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)))
}

/** In the head, where each byte counts: a flipped byte of a body may well be another valid body. */
function flipped(random: Random, message: Buffer): Buffer {
  const bytes = Buffer.from(message)
  const at = random.below(bytes.indexOf('\r\n\r\n') + 4)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
  return bytes
}

function startLine(random: Random): string {
  return random.pick([
    ...[
      'GET /',
      'GET',
      '',
      ' ',
      'GET / HTTP/1.2',
      'GET / HTTP/9.9',
      'GET / HTTP/2.0',
      'GET / HTTP/1.1 x',
      'GET / FTP/1.1',
      '/ GET HTTP/1.1',
    ],
    ...[
      'GETX / HTTP/1.1',
      'get / HTTP/1.1',
      'G\0T / HTTP/1.1',
      'GET /a b HTTP/1.1',
      'GET /\0 HTTP/1.1',
      'PRI * HTTP/2.0',
      'HTTP/1.1 200 OK',
    ],
  ])
}

/** `Content-Length` says less than there is, more, or nothing sensible. */
function otherLength(random: Random, message: Buffer): Buffer {
  const text = message.toString('latin1')
  const change = (digits: string) => {
    const length = Number(digits)
    const other = random.pick([
      length + 1,
      length + 1000,
      length - 1,
      length >> 1,
      -1,
      '0x2',
      '+3',
      `${length}, ${length}`,
      '1e1',
      '',
    ])
    return `Content-Length: ${other}\r\n`
  }
  const changed = text.replace(/^Content-Length: (\d+)\r\n/m, (_, digits: string) => change(digits))
  return Buffer.from(
    changed === text ? text.replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\n') : changed,
    'latin1',
  )
}
