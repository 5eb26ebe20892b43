import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { IMPORT_MESSAGE, importOfMessage } from '../../domain/imports/message.ts'
import type { Imports } from '../../ports/imports.ts'
import { type Handler, Hopeless, RETRY_SOON } from '../handler.ts'

/** Two processes that have the same import take turns; who comes too early looks again after this time. */
const TAKEN_MS = 100
/**
 * A long import is done in turns, each with its message sent anew. At a later attempt a turn is one chunk: workers may be
 * killed as often as they like, as long as some of them come so far.
 */
const TURN_MS = 5000

/** An import waits to be applied. */
export function importHandler(imports: Pick<Imports, 'apply'>, turnMs = TURN_MS): Handler {
  return {
    type: IMPORT_MESSAGE,
    retry: RETRY_SOON,
    async handle({ body, attempt, stopping }) {
      const id = importOfMessage(body)
      if (id === undefined) throw new Hopeless('Expected {"id"}, the id of an import.')
      const untilMs = performance.now() + (attempt === 1 ? turnMs : 0)
      do {
        const applied = await imports.apply(id)
        if (applied === 'ended') return 'done'
        // Requests have their turn between two chunks.
        if (applied === 'more') await turn()
        else await delay(TAKEN_MS, undefined, { signal: stopping }).catch(() => {})
      } while (!stopping.aborted && performance.now() < untilMs)
      return 'left'
    },
  }
}
