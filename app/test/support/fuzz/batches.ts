import type { Random } from '../random.ts'
import { oddButValid } from './json-texts.ts'
import type { BatchWrite } from './shot.ts'

export interface BatchShot {
  readonly kind: string
  readonly text: string
  /** What it writes if it is accepted; undefined when it must not be. */
  readonly operations: readonly BatchWrite[] | undefined
}

/** A batch document of which `idOf` chooses the ids. */
export function batchShot(random: Random, idOf: () => string): BatchShot {
  return random.chance(0.4) ? soundBatch(random, idOf) : badBatch(random, idOf)
}

function soundBatch(random: Random, idOf: () => string): BatchShot {
  const ids = new Set(Array.from({ length: 1 + random.below(12) }, idOf))
  const operations = [...ids].map((id): BatchWrite => {
    // The space around a value is the document's, not the value's.
    return { id, value: random.chance(0.3) ? undefined : oddButValid(random).text.trim() }
  })
  return { kind: 'a sound batch', text: document(random, operations), operations }
}

/** Members in any order, with a condition now and then; a repeated name means its last value. */
function document(random: Random, operations: readonly BatchWrite[]): string {
  const texts = operations.map(({ id, value }) => {
    const members = [`"id":"${id}"`, `"op":"${value === undefined ? 'delete' : 'put'}"`]
    if (value !== undefined) members.push(`"value":${value}`)
    if (random.chance(0.2)) members.push(`"ifVersion":${random.below(3)}`)
    if (random.chance(0.5)) members.reverse()
    if (value !== undefined && random.chance(0.1)) members.unshift('"value":"first"')
    if (random.chance(0.1))
      members[0] = (members[0] ?? '').replace('"', '"\\u00').replace(/\\u00(.)/, escaped)
    return `{${members.join(random.pick([',', ' , ', ',\n']))}}`
  })
  return `{ "operations" : [${texts.join(' ,')}] }`
}

function escaped(_: string, character: string): string {
  return `\\u00${character.charCodeAt(0).toString(16)}`
}

function badBatch(random: Random, idOf: () => string): BatchShot {
  const id = idOf()
  const put = `{"op":"put","id":"${id}","value":1}`
  const twice = `{"operations":[${put},{"op":"delete","id":"${id}"}]}`
  const many = Array.from({ length: 501 }, (_, n) => `{"op":"put","id":"${id}-${n}","value":1}`).join(',')
  const operation = (text: string) => `{"operations":[{"op":"put","id":"${id}-x","value":1},${text}]}`
  const [kind, text] = random.pick([
    [
      'a batch that is no object',
      random.pick(['null', '[]', '1', '"operations"', '{}', '[{"operations":[]}]', 'true']),
    ],
    [
      'a batch with wrong operations',
      `{"operations":${random.pick(['null', '{}', '1', '"x"', '[]', '[null]', '[1]', '[[]]', '[{}]'])}}`,
    ],
    [
      'a batch with an unknown field',
      random.pick([`{"operations":[${put}],"a":1}`, `{"operations":[${put}],"__proto__":{}}`]),
    ],
    ['a batch with an id twice', twice],
    ['a batch with too many operations', `{"operations":[${many}]}`],
    [
      'a batch with a bad id',
      operation(
        `{"op":"put","id":${random.pick(['""', '"a b"', '1', 'null', '"é"', '"\\u0000"', `"${'a'.repeat(201)}"`])},"value":1}`,
      ),
    ],
    ['a batch without a value', operation(`{"op":"put","id":"${id}"}`)],
    ['a batch with a value to delete', operation(`{"op":"delete","id":"${id}","value":1}`)],
    [
      'a batch with a bad condition',
      operation(
        `{"op":"put","id":"${id}","value":1,"ifVersion":${random.pick(['-1', '1.5', '"1"', 'null', '[]', '1e400', 'true'])}}`,
      ),
    ],
    [
      'a batch with an unknown operation',
      operation(
        `{"op":${random.pick(['"PUT"', '"patch"', '""', 'null', '1', '["put"]', '"__proto__"'])},"id":"${id}","value":1}`,
      ),
    ],
    [
      'a batch with an unknown member',
      operation(`{"op":"put","id":"${id}","value":1,${random.pick(['"a":1', '"__proto__":1', '"ID":"x"'])}}`),
    ],
    [
      'a batch with a value that is too deep',
      operation(`{"op":"put","id":"${id}","value":${'['.repeat(201)}${']'.repeat(201)}}`),
    ],
    [
      'a batch with a value that is too large',
      operation(`{"op":"put","id":"${id}","value":"${'x'.repeat(256 * 1024)}"}`),
    ],
  ] as const)
  return { kind, text, operations: undefined }
}
