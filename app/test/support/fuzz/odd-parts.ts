import type { Random } from '../random.ts'

/** Parts of requests that a client should not send; `own` begins every id, so that shots do not meet. */

export function oddPath(random: Random, own: string): string {
  return random.pick([
    ...[
      `/data/${own}%00`,
      `/data/${own}%ff`,
      `/data/${own}%c0%ae`,
      `/data/${own}%zz`,
      `/data/${own}%`,
      `/data/${own}%4`,
    ],
    ...[
      `/data/../${own}`,
      `/data/${own}/../x`,
      `/data/%2e%2e/${own}`,
      `/data//${own}`,
      `//data/${own}`,
      `/./data/${own}`,
    ],
    ...[
      `/data/${own}/`,
      `/data/${own}%2fx`,
      `/data/${own}%20x`,
      `/data/${own}+x`,
      `/data/${own};x=1`,
      `/data/${own}#x`,
    ],
    ...[
      `/DATA/${own}`,
      `/data/${own}'"<>`,
      `/data/${own}{}`,
      `/data/${own}|`,
      `/data/${own}\\x`,
      `/data/${own}%E2%82%AC`,
    ],
    ...[
      `/data/${'a'.repeat(201)}${own}`,
      `/data/${own}${'%41'.repeat(199)}`,
      `/data/${own}${'x'.repeat(5000)}`,
      '/data/',
    ],
    ...[
      '*',
      '/%',
      '/%00',
      '/..',
      '/.',
      '//',
      '/?',
      '/health/../data',
      '/docs/../../etc/passwd',
      '/docs/%2e%2e/%2e%2e/etc/passwd',
    ],
    ...[
      '/docs/static/..%2f..%2fpackage.json',
      '/openapi.json/x',
      '/__proto__',
      '/constructor',
      'http://other/data',
      'http://',
    ],
    ...['/metrics/', '/batch/x', '/changes/', '/data/:id', '/health/live%00', `/data?${'a=1&'.repeat(500)}`],
  ])
}

export function oddQuery(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(3) }, () =>
    random.pick([
      ...[
        'limit=0',
        'limit=-1',
        'limit=1.5',
        'limit=1001',
        'limit=abc',
        'limit=',
        'limit',
        'limit=1e2',
        'limit=0x10',
        'limit=%31',
      ],
      ...[
        'limit=1&limit=2',
        'limit[]=1',
        'limit=null',
        'limit=true',
        'limit=99999999999999999999',
        'limit=NaN',
      ],
      ...[
        'prefix=%00',
        'prefix=/',
        'prefix=%C3%A9',
        'prefix[a]=b',
        'prefix=a&prefix=b',
        `prefix=${'p'.repeat(201)}`,
        'prefix=~',
      ],
      ...[
        'wait=-1',
        'wait=56',
        'wait=abc',
        'wait=Infinity',
        'wait=NaN',
        'wait=1&wait=2',
        'wait=-0',
        'wait=1e-3',
      ],
      ...[
        '__proto__=1',
        '__proto__[a]=1',
        'constructor=1',
        'unknown=1',
        '=',
        '&&',
        '%',
        '%zz=1',
        'a=%',
        'a=%ff',
        '='.repeat(300),
      ],
    ]),
  )
  return parts.join('&')
}

export function oddCursor(random: Random): string {
  const encoded = (text: string) => Buffer.from(text).toString('base64url')
  return random.pick([
    ...['', 'x', '%00', '%', '..', '=', 'null', '-1', '1e9', 'A'.repeat(4000), '%F0%9F%98%80', '__proto__'],
    ...[
      encoded('id:'),
      encoded('id:a b'),
      encoded('id:a'),
      encoded('id:\0'),
      encoded(`id:${'a'.repeat(201)}`),
      encoded('ID:a'),
    ],
    ...[
      encoded('feed::'),
      encoded('feed:00000000:1'),
      encoded('feed:00000000:-1'),
      encoded('feed:00000000:999999999999999'),
    ],
    ...[
      encoded('feed:x:1'),
      encoded('feed:00000000:1:2'),
      encoded('feed:00000000:1e3'),
      encoded('{"a":1}'),
      encoded('\n'),
    ],
    Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256))).toString('base64'),
  ])
}

export function oddTags(random: Random): string {
  return random.pick([
    ...[
      '*',
      '"1"',
      '"2"',
      '"3"',
      'W/"1"',
      '"1", "2"',
      '"2","3" , "4"',
      '"0"',
      '"-1"',
      '"01"',
      '"1.0"',
      '"1e0"',
      '"999999999999999"',
    ],
    ...[
      '',
      '1',
      '""',
      '"',
      '"1',
      '1"',
      'w/"1"',
      'W/1',
      '"1""2"',
      ',',
      '"1",',
      '"1";q=1',
      '*, "1"',
      '* *',
      "'1'",
      '"\u00e9"',
      '"a b"',
    ],
    ...[
      '"9999999999999999999999"',
      `"${'1'.repeat(3000)}"`,
      Array.from({ length: 300 }, (_, n) => `"${n}"`).join(','),
      'null',
    ],
  ])
}

export function oddKey(random: Random): string {
  return random.pick([
    '',
    ' ',
    'a b',
    '\u00e9',
    '\u00ff\u00fe',
    'k'.repeat(256),
    'k'.repeat(5000),
    '\t',
    'a\tb',
    '\x7f',
  ])
}

export function oddType(random: Random): string {
  return random.pick([
    ...[
      '',
      ' ',
      'text/plain',
      'text/json',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      '*/*',
    ],
    ...[
      'application/json; charset=utf-16',
      'application/json; charset=latin1',
      'application/json;charset="utf-16"',
      'json',
      '/',
    ],
    ...[
      'application/jsonx',
      'application/problem+json',
      'xapplication/json',
      'application/',
      ';',
      'a'.repeat(3000),
      '\u00ff',
    ],
  ])
}

/** Of methods that the parser knows; others are in `wreck.ts`. */
export function oddMethod(random: Random): string {
  return random.pick([
    'TRACE',
    'PROPFIND',
    'MKCOL',
    'LOCK',
    'PURGE',
    'SUBSCRIBE',
    'QUERY',
    'LINK',
    'SEARCH',
    'M-SEARCH',
    'POST',
    'PATCH',
  ])
}

export function oddHeader(random: Random): readonly (readonly [string, string])[] {
  return random.pick([
    [['X-Odd', '\u00ff\u00fe'.repeat(20)]],
    [['Expect', '100-continue']],
    [['Expect', '200-maybe']],
    [['Content-Encoding', 'gzip']],
    [['Content-Encoding', 'identity, gzip']],
    [['Accept', 'text/html;q=0.1, */*']],
    [['Accept', '']],
    [['Range', 'bytes=0-1']],
    [['TE', 'trailers, gzip;q=0.5']],
    [['Cookie', '__proto__=1; ='.repeat(50)]],
    [['Authorization', 'Bearer '.repeat(100)]],
    [['Origin', 'null']],
    [['Forwarded', 'for="[::1]";proto=\\']],
    [['X-Http-Method-Override', 'DELETE']],
    [['If-Modified-Since', 'yesterday']],
    [['Last-Event-ID', oddTags(random)]],
    [['__proto__', 'a']],
    [['Connection', 'close, keep-alive, X-Request-Id']],
    [['Keep-Alive', 'timeout=0, max=-1']],
    Array.from({ length: 150 }, (_, n) => [`X-Many-${n}`, String(n)] as const),
  ])
}
