import type { Random } from '../random.ts'
import { batchShot } from './batches.ts'
import { notAValue, oddButValid } from './json-texts.ts'
import { oddCursor, oddHeader, oddKey, oddMethod, oddPath, oddQuery, oddTags, oddType } from './odd-parts.ts'
import { messageBytes, type Parts, type Shot, type Write } from './shot.ts'
import { wreck } from './wreck.ts'

/** So few that most writes meet an item with a history. */
const IDS = 12
const KEYS = 5

const json = ['Content-Type', 'application/json'] as const
const shapes: readonly ((random: Random, own: string, n: number) => Draft)[] = [
  sound,
  sound,
  oddValue,
  oddValue,
  badValue,
  badValue,
  badBatchOrSound,
  badBatchOrSound,
  condition,
  idempotent,
  (random, own) => get('an odd path', oddPath(random, own)),
  (random, own) =>
    write('a write to an odd path', 'PUT', oddPath(random, own), '1', {
      type: 'item',
      id: undefined,
      value: '1',
    }),
  (random) =>
    get('an odd query', `${random.pick(['/data', '/changes', '/health', '/'])}?${oddQuery(random)}`),
  (random) =>
    get('an odd cursor', `${random.pick(['/data?cursor=', '/changes?after='])}${oddCursor(random)}`),
  oddMedia,
  (random, own) => ({
    kind: 'an odd method',
    parts: { method: oddMethod(random), path: pathOf(random, own) },
    write: undefined,
  }),
  (random, own) => ({ ...sound(random, own), kind: 'an odd header', more: oddHeader(random) }),
]

/** A message before it has its request id. */
interface Draft {
  readonly kind: string
  readonly parts: Parts
  readonly write: Write | undefined
  readonly more?: readonly (readonly [string, string])[]
}

/** The `n`th shot, by the worker whose ids begin with `own`. One in five is not even framed. */
export function shotOf(random: Random, own: string, n: number): Shot {
  const requestId = `fuzz-${n}`
  if (random.chance(0.2)) return wreckedShot(random, n, requestId)
  const { kind, parts, write: writes, more = [] } = random.pick(shapes)(random, own, n)
  const bytes = messageBytes({ ...parts, headers: [...(parts.headers ?? []), ...more] }, requestId)
  return { kind, bytes, method: parts.method, requestId, isFramed: true, write: writes }
}

/** The id is the shot's own: nobody knows what a broken message does. */
function wreckedShot(random: Random, n: number, requestId: string): Shot {
  const body = Buffer.from(oddButValid(random).text)
  const message = messageBytes({ method: 'PUT', path: `/data/wreck-${n}`, headers: [json], body }, requestId)
  const { kind, bytes } = wreck(random, message)
  const anyItem: Write = { type: 'item', id: undefined, value: undefined }
  return { kind, bytes, method: 'PUT', requestId: undefined, isFramed: false, write: anyItem }
}

function idOf(random: Random, own: string): string {
  return `${own}${random.below(IDS)}`
}

function pathOf(random: Random, own: string): string {
  return random.pick([
    `/data/${idOf(random, own)}`,
    '/data',
    '/batch',
    '/changes',
    '/',
    '/health',
    '/health/live',
    '/metrics',
  ])
}

function get(kind: string, path: string): Draft {
  return { kind, parts: { method: 'GET', path }, write: undefined }
}

function write(
  kind: string,
  method: string,
  path: string,
  body: string | Buffer,
  writes: Write | undefined,
): Draft {
  return { kind, parts: { method, path, headers: [json], body: Buffer.from(body) }, write: writes }
}

function sound(random: Random, own: string): Draft {
  const id = idOf(random, own)
  const kind = 'nothing'
  const value = JSON.stringify({ n: random.below(1000) })
  switch (random.below(6)) {
    case 0:
      return get(kind, `/data/${id}`)
    case 1:
      return { kind, parts: { method: 'HEAD', path: `/data/${id}` }, write: undefined }
    case 2:
      return { kind, parts: { method: 'DELETE', path: `/data/${id}` }, write: { type: 'delete', id } }
    case 3:
      return write(kind, 'PATCH', `/data/${id}`, value, { type: 'item', id, value: undefined })
    case 4:
      return write(kind, 'POST', '/data', value, { type: 'item', id: undefined, value })
    default:
      return write(kind, 'PUT', `/data/${id}`, value, { type: 'item', id, value })
  }
}

function oddValue(random: Random, own: string): Draft {
  const { kind, text } = oddButValid(random)
  const id = idOf(random, own)
  switch (random.below(4)) {
    case 0:
      return write(kind, 'POST', '/data', text, { type: 'item', id: undefined, value: text })
    case 1:
      return write(kind, 'PATCH', `/data/${id}`, text, { type: 'item', id, value: undefined })
    default:
      // Every character of an id may be written as its percent-encoding (RFC 3986, section 2.1).
      return write(kind, 'PUT', `/data/${random.chance(0.2) ? encoded(id) : id}`, text, {
        type: 'item',
        id,
        value: text,
      })
  }
}

function encoded(id: string): string {
  return [...id].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('')
}

function badValue(random: Random, own: string): Draft {
  const { kind, bytes } = notAValue(random)
  const [method, path] = random.pick([
    ['POST', '/data'],
    ['POST', '/batch'],
    ...(['PUT', 'PATCH'] as const).map((name) => [name, `/data/${idOf(random, own)}`] as const),
  ] as const)
  return write(kind, method, path, bytes, undefined)
}

function badBatchOrSound(random: Random, own: string): Draft {
  const { kind, text, operations } = batchShot(random, () => idOf(random, own))
  return write(
    kind,
    'POST',
    '/batch',
    text,
    operations === undefined ? undefined : { type: 'batch', operations },
  )
}

function condition(random: Random, own: string): Draft {
  const header = [random.pick(['If-Match', 'If-None-Match', 'if-match']), oddTags(random)] as const
  const more = random.chance(0.2)
    ? [header, [random.pick(['If-Match', 'If-None-Match']), oddTags(random)] as const]
    : [header]
  return { ...sound(random, own), kind: 'an odd condition', more }
}

function idempotent(random: Random, own: string): Draft {
  const isSound = random.chance(0.6)
  const key = isSound ? `${own}key-${random.below(KEYS)}` : oddKey(random)
  const body = String(random.below(3))
  const draft = write(
    'an idempotency key',
    'POST',
    '/data',
    body,
    isSound ? { type: 'item', id: undefined, value: body } : undefined,
  )
  return {
    ...draft,
    kind: isSound ? 'an idempotency key' : 'an odd idempotency key',
    more: [['Idempotency-Key', key]],
  }
}

function oddMedia(random: Random, own: string): Draft {
  const body = Buffer.from('1')
  return {
    kind: 'an odd content type',
    parts: {
      method: random.pick(['PUT', 'PATCH']),
      path: `/data/${idOf(random, own)}`,
      headers: [['Content-Type', oddType(random)]],
      body,
    },
    write: undefined,
  }
}
