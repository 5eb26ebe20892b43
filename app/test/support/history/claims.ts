import type { Feed } from './feed.ts'
import type { History, Operation, Sight, Value, Violation, Write } from './history.ts'

/** Who wrote a version, as far as its writer was told so, or as somebody read its value. */
export interface Author {
  readonly operation: Operation
  readonly write: Write
}

export interface Claims {
  /** By id and version, as `keyOf` has them. */
  readonly authors: ReadonlyMap<string, Author>
  /** Writes whose version is known. */
  readonly known: ReadonlySet<Write>
  readonly violations: readonly Violation[]
}

export function keyOf(id: string, version: number): string {
  return `${id} ${version}`
}

/** Each version has one author, and each write at most one version. */
export function claimsOf({ operations }: History, feed: Feed): Claims {
  const writers = writersByName(operations)
  const authors = new Map<string, Author & { readonly told: Operation }>()
  const versions = new Map<Write, number>()
  const violations: Violation[] = []

  function claim(version: number, author: Author, told: Operation): void {
    const { operation, write } = author
    const key = keyOf(write.id, version)
    const other = authors.get(key)
    const fault = (rule: string, ...more: readonly Operation[]) =>
      violations.push({ rule, detail: key, operations: [...new Set([operation, told, ...more])] })
    if (other !== undefined && other.write !== write) {
      fault('a version is made by one write', other.operation, other.told)
      return
    }
    if ((versions.get(write) ?? version) !== version) fault('a write takes effect once')
    if (operation.outcome !== 'ok' && operation.outcome !== 'unknown')
      fault('what was answered as not done is not done')
    authors.set(key, { ...author, told })
    versions.set(write, version)
    const change = feed.byId.get(write.id)?.[version - 1]
    if (change?.op !== write.op) fault('what was committed is in the feed')
  }

  for (const operation of operations) {
    for (const write of operation.writes) {
      if (write.version !== undefined && operation.outcome === 'ok')
        claim(write.version, { operation, write }, operation)
    }
    for (const { id, version, value } of operation.sights) {
      if (value === undefined) continue
      const author = writers.get(`${id} ${value.by}`)
      if (author !== undefined) claim(version, author, operation)
      else
        violations.push({
          rule: 'what is read was written',
          detail: `${keyOf(id, version)}: ${value.by}`,
          operations: [operation],
        })
    }
  }
  return { authors, known: new Set(versions.keys()), violations }
}

function writersByName(operations: readonly Operation[]): Map<string, Author> {
  const writers = new Map<string, Author>()
  for (const operation of operations) {
    for (const write of operation.writes) {
      if (write.by !== undefined) writers.set(`${write.id} ${write.by}`, { operation, write })
    }
  }
  return writers
}

/** A version has one value; what a patch made is merged into the version before it. */
export function checkValues({ operations }: History): Violation[] {
  const values = new Map<string, { value: Value; operation: Operation }>()
  const violations: Violation[] = []
  const sights = operations.flatMap((operation) => operation.sights.map((sight) => ({ operation, ...sight })))
  for (const { operation, id, version, value } of sights) {
    if (value === undefined) continue
    const key = keyOf(id, version)
    const known = values.get(key)
    if (known === undefined) values.set(key, { value, operation })
    else if (known.value.by !== value.by || known.value.since !== value.since) {
      violations.push({
        rule: 'a version has one value',
        detail: key,
        operations: [known.operation, operation],
      })
    }
  }
  for (const { operation, id, version, value } of sights) {
    if (value === undefined || value.since === value.by) continue
    const before = values.get(keyOf(id, version - 1))
    if (before === undefined || before.value.since === value.since) continue
    violations.push({
      rule: 'a patch is merged into the version before its own',
      detail: keyOf(id, version),
      operations: [before.operation, operation],
    })
  }
  return violations
}

/** Whether `condition` holds for an id whose current version is `version`; 0 is absent. */
function holds({ op, condition }: Write, version: number): boolean {
  if (op === 'delete' && version === 0) return false
  if (condition === undefined) return true
  return condition === 'present' ? version !== 0 : condition === version
}

/** Whether a write could have made `version` out of what the feed says was there before. */
export function couldMake(write: Write, version: number, feed: Feed): boolean {
  const before = version === 1 ? undefined : feed.byId.get(write.id)?.[version - 2]
  return holds(write, before?.op === 'put' ? version - 1 : 0)
}

/** No write was done whose condition did not hold, and none refused whose condition held. */
export function checkConditions({ operations }: History, feed: Feed, { authors }: Claims): Violation[] {
  const violations: Violation[] = []
  for (const [key, { operation, write }] of authors) {
    const version = Number(key.slice(key.indexOf(' ') + 1))
    if (couldMake(write, version, feed)) continue
    const winner = authors.get(keyOf(write.id, version - 1))?.operation
    violations.push({
      rule: 'a write is done only if its condition holds',
      detail: key,
      operations: winner === undefined ? [operation] : [winner, operation],
    })
  }
  for (const operation of operations) {
    if (operation.outcome !== 'refused' || isExplained(operation)) continue
    violations.push({
      rule: 'a write is refused only if its condition does not hold',
      detail: operation.text,
      operations: [operation],
    })
  }
  return violations
}

function isExplained({ writes, sights, lostRaces }: Operation): boolean {
  if (lostRaces !== undefined) return true
  const refuses = ({ id, version }: Sight) =>
    writes.some((write) => write.id === id && !holds(write, version))
  return sights.length > 0 && sights.every(refuses)
}
