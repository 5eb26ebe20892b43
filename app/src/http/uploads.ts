import type { IncomingMessage } from 'node:http'
import { AppError } from '../domain/errors.ts'
import type { Connection } from './connection.ts'
import type { RouteContext } from './context.ts'
import type { Request } from './framework.ts'

/** Bodies of any length. They are limited in number, and each has to come on. */
export interface Uploads {
  /**
   * Has `receive` read the request's body. Throws `overloaded` when there are too many, `bad_request` when it breaks off
   * or nothing comes for `REQUEST_TIMEOUT_MS`, and `unavailable` when the service is about to end.
   */
  run(request: Request, receive: (body: IncomingMessage) => Promise<void>): Promise<void>
}

export function createUploads({ config, state }: Pick<RouteContext, 'config' | 'state'>): Uploads {
  let open = 0
  const closing = new Set<(error: AppError) => void>()
  // Whoever has been told to go elsewhere is served on for a while.
  state.draining.addEventListener('abort', () => {
    setTimeout(() => {
      const error = new AppError('unavailable', 'The service is about to stop: send the import again.')
      for (const close of closing) close(error)
    }, config.DRAIN_DELAY_MS)
  })

  return {
    async run({ raw, exchange }, receive) {
      if (open >= config.IMPORT_UPLOADS_MAX)
        throw new AppError('overloaded', 'Too many imports are received.')
      const connection: Connection = raw.socket
      let reason: AppError | undefined
      const close = (error: AppError) => {
        reason ??= error
        raw.destroy(error)
      }
      const stalled = () => close(new AppError('bad_request', 'Nothing of the body came for too long.'))
      open++
      closing.add(close)
      connection.isUploading = true
      connection.setTimeout(config.REQUEST_TIMEOUT_MS, stalled)
      try {
        await receive(raw)
      } catch (error) {
        if (error instanceof AppError) throw error
        if (reason !== undefined) throw reason
        if (exchange.left || raw.errored)
          throw new AppError('bad_request', 'The body broke off.', { cause: error })
        throw error
      } finally {
        open--
        closing.delete(close)
        connection.isUploading = false
        connection.setTimeout(0, stalled)
      }
    },
  }
}
