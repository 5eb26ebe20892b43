import type { Random } from '../random.ts'

/** Valid JSON text that a careless service changes: digits, names, order, escapes, space. */
export function oddButValid(random: Random): { kind: string; text: string } {
  const kind = random.pick(['a huge number', 'an odd name', 'an odd string', 'a nested value', 'odd space'])
  switch (kind) {
    case 'a huge number':
      return { kind, text: hugeNumber(random) }
    case 'an odd name':
      return { kind, text: oddObject(random) }
    case 'an odd string':
      return { kind, text: `"${oddCharacters(random)}"` }
    case 'a nested value':
      return { kind, text: nested(random, 1 + random.below(200)) }
    default:
      return { kind, text: spaced(random, random.pick([oddObject(random), '[1,2]', 'null', '"a b"'])) }
  }
}

function hugeNumber(random: Random): string {
  const digits = Array.from({ length: 1 + random.below(400) }, () => random.below(10)).join('')
  const integer = digits.replace(/^0+(?=\d)/, '')
  return random.pick([
    integer,
    `-${integer}`,
    `${integer}.${digits}`,
    `1e${random.below(1_000_000_000)}`,
    `-1E-${random.below(1_000_000_000)}`,
    `[${integer}e+${digits.slice(0, 9)},-0,0.0,1.10,1e0]`,
    '-0',
    '9007199254740993',
  ])
}

const ODD_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '',
  '1',
  '0',
  'a',
  'id',
  'value',
  'ü',
  '\\u0061',
  '\\ud800',
]

function oddObject(random: Random): string {
  const members = Array.from({ length: random.below(8) }, () => {
    const value = random.pick([
      '1',
      'null',
      '{}',
      '[]',
      '"x"',
      '1.0',
      '{"__proto__":{"a":1}}',
      `"${oddCharacters(random)}"`,
    ])
    return `"${random.pick(ODD_NAMES)}":${value}`
  })
  return `{${members.join(',')}}`
}

const ODD_CHARACTERS = [
  ...[
    '\\u0000',
    '\\ud800',
    '\\udfff',
    '\\ud83d\\ude00',
    '\\"',
    '\\\\',
    '\\/',
    '\\b',
    '\\n',
    '\\u2028',
    '\\uFFFF',
  ],
  ...[
    '\u2028',
    '\u{1f600}',
    '\u{10ffff}',
    '\ufeff',
    '\u007f',
    'é',
    'e\u0301',
    '<script>',
    '$(x)',
    '%00',
    "'",
    'a',
  ],
]

function oddCharacters(random: Random): string {
  return Array.from({ length: random.below(12) }, () => random.pick(ODD_CHARACTERS)).join('')
}

function nested(random: Random, levels: number): string {
  let [open, close] = ['', '']
  for (let level = 0; level < levels; level++) {
    const isArray = random.chance(0.5)
    open += isArray ? '[' : '{"a":'
    close = (isArray ? ']' : '}') + close
  }
  return `${open}1${close}`
}

function spaced(random: Random, text: string): string {
  const space = () =>
    Array.from({ length: random.below(4) }, () => random.pick([' ', '\t', '\r', '\n'])).join('')
  return space() + text + space()
}

/** Bytes that no JSON value is made of, or a value beyond the limits. */
export function notAValue(random: Random): { kind: string; bytes: Buffer } {
  const kind = random.pick([
    'bad JSON',
    'bad JSON',
    'invalid UTF-8',
    'raw control characters',
    'too deep',
    'too large',
  ])
  switch (kind) {
    case 'bad JSON':
      return { kind, bytes: Buffer.from(badJson(random)) }
    case 'invalid UTF-8':
      return { kind, bytes: invalidUtf8(random) }
    case 'raw control characters':
      return { kind, bytes: Buffer.from(`"a${String.fromCharCode(random.below(32))}b"`) }
    case 'too deep':
      return { kind, bytes: Buffer.from(nested(random, random.pick([201, 202, 1000, 20_000]))) }
    default: {
      const bytes = 256 * 1024 + random.pick([1, 2, 1000])
      return { kind, bytes: Buffer.from(`"${'x'.repeat(bytes - 2)}"`) }
    }
  }
}

const BAD_JSON = [
  ...[
    '',
    ' ',
    '"',
    '{',
    '[',
    '}',
    ']',
    '[1,]',
    '[,1]',
    '{,}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '[1 2]',
  ],
  ...[
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1e',
    '0x10',
    '1_000',
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    'True',
    'nul',
  ],
  ...[
    '"\\x41"',
    '"\\u12"',
    '"\\u{1}"',
    '"\\',
    '\ufeff1',
    '// a\n1',
    '/* a */1',
    '1;',
    '1}',
    'null null',
    '{"a":1}{"b":2}',
  ],
]

function badJson(random: Random): string {
  if (random.chance(0.5)) return random.pick(BAD_JSON)
  // A valid text without one of its structural characters is never valid.
  const text = `{"a":[${hugeNumber(random)},{"b":"c"}]}`
  const structural = [...text.matchAll(/[{}[\]:"]/g)].map(({ index }) => index)
  const at = random.pick(structural)
  return text.slice(0, at) + text.slice(at + 1)
}

const INVALID_UTF8 = [
  'c080',
  'c1bf',
  'eda080',
  'edbfbf',
  'f4908080',
  'f8888080',
  'ff',
  'fe',
  '80',
  'bf',
  'e282',
  'f09f98',
  'c3',
]

function invalidUtf8(random: Random): Buffer {
  return Buffer.concat([Buffer.from('"a'), Buffer.from(random.pick(INVALID_UTF8), 'hex'), Buffer.from('b"')])
}
