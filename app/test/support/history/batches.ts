import type { Feed } from './feed.ts'
import { type History, registerOf, type Violation } from './history.ts'

const RULE = 'a batch is done as a whole'

/** Twins are only written together: they have the same versions everywhere and at all times. */
export function checkTwins({ operations }: History, feed: Feed): Violation[] {
  const halves = operations.flatMap((operation) => {
    const shown = [...operation.sights, ...operation.writes.filter(({ version }) => version !== undefined)]
    const pairs = [...Map.groupBy(shown, ({ id }) => registerOf(id)).values()]
    return pairs
      .filter((pair) => new Set(pair.map(({ version }) => version)).size > 1)
      .map((pair) => ({
        rule: RULE,
        detail: pair.map(({ id, version }) => `${id} ${version}`).join(' beside '),
        operations: [operation],
      }))
  })
  const pairs = [...Map.groupBy(feed.byId.keys(), registerOf)].filter(([register, [id]]) => register !== id)
  const uneven = pairs
    .filter(([register]) => {
      const [a = [], b = []] = ['a', 'b'].map((half) => feed.byId.get(`${register}-${half}`))
      return a.length !== b.length || a.some(({ op }, index) => op !== b[index]?.op)
    })
    .map(([register]) => ({
      rule: RULE,
      detail: `the halves of ${register} have different changes`,
      operations: [],
    }))
  return [...halves, ...uneven]
}
