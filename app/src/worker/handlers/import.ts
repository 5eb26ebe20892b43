import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { IMPORT_MESSAGE, importOfMessage } from '../../domain/imports/message.ts'
import type { Imports } from '../../ports/imports.ts'
import { type Handler, Hopeless, RETRY_SOON } from '../handler.ts'

/** Two processes that have the same import take turns; who comes too early looks again after this time. */
const TAKEN_MS = 100

/** An import waits to be applied. */
export function importHandler(imports: Pick<Imports, 'apply'>): Handler {
  return {
    type: IMPORT_MESSAGE,
    retry: RETRY_SOON,
    async handle({ body, stopping }) {
      const id = importOfMessage(body)
      if (id === undefined) throw new Hopeless('Expected {"id"}, the id of an import.')
      while (!stopping.aborted) {
        const applied = await imports.apply(id)
        if (applied === 'ended') return 'done'
        // Requests have their turn between two chunks.
        if (applied === 'more') await turn()
        else await delay(TAKEN_MS, undefined, { signal: stopping }).catch(() => {})
      }
      return 'left'
    },
  }
}
