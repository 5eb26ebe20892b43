import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { AppError } from '../../domain/errors.ts'
import type { Feed, FeedPage } from '../../ports/store.ts'
import { changesText, eventStream } from '../change-texts.ts'
import type { RouteContext } from '../context.ts'
import { feedCursor, parseFeedCursor } from '../cursors.ts'
import type { App, Reply, Request } from '../framework.ts'
import { answerRead } from '../item-replies.ts'
import { answers, Changes, ChangesQuery } from '../schemas.ts'

/** Before every position: a reader with the cursor of another feed is as far behind as can be. */
const BEFORE_ALL = -1

/** `GET /changes`: every committed change once and in order, polled, long-polled or streamed. */
export function changeRoutes(app: App, { store, state, config }: RouteContext): void {
  const { feed } = store
  let listeners = 0

  /** Runs one of at most `STREAMS_MAX` clients that wait; `gone` aborts when it left or when the service drains. */
  async function listen<T>(
    request: Request,
    reply: Reply,
    run: (gone: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (listeners >= config.STREAMS_MAX) {
      throw new AppError('overloaded', 'Too many clients wait at the change feed.')
    }
    const left = new AbortController()
    reply.raw.once('close', () => left.abort())
    // It is closed already.
    if (request.exchange.left) left.abort()
    listeners++
    request.exchange.leaveLine()
    try {
      return await run(AbortSignal.any([left.signal, state.draining]))
    } finally {
      listeners--
    }
  }

  const response = answers({ 200: Changes }, 410, 422, 503)
  app.get(
    '/changes',
    { schema: { tags: ['changes'], summary: 'Follow the changes', querystring: ChangesQuery, response } },
    async (request, reply) => {
      const { limit, wait } = request.query
      const after = positionOf(request, request.query.after, feed)
      const read = async (position: number | undefined) =>
        kept(await feed.read({ after: position, limit }, request.exchange), feed)
      const page = await read(after)
      if (wantsStream(request)) {
        return listen(request, reply, (gone) => {
          request.exchange.watchForStall()
          const events = Readable.from(eventStream(feed, page, request.exchange, gone))
          reply.header('content-type', 'text/event-stream').header('cache-control', 'no-store').send(events)
          return finished(events).then(() => reply)
        })
      }
      if (page.changes.length > 0 || wait === 0) return answerRead(request, reply, changesText(page, feed))
      return listen(request, reply, async (gone) => {
        await feed.wait(page.last, wait * 1000, gone)
        return answerRead(request, reply, changesText(await read(page.last), feed))
      })
    },
  )
}

function wantsStream({ method, headers }: Request): boolean {
  return method === 'GET' && headers.accept?.includes('text/event-stream') === true
}

/** `Last-Event-ID` is what an EventSource sends when it comes back, to the URL that it began with. */
function positionOf({ headers }: Request, after: string | undefined, feed: Feed): number | undefined {
  const lastEventId = headers['last-event-id']
  const [cursor, pointer] =
    typeof lastEventId === 'string' && lastEventId !== ''
      ? [lastEventId, '/Last-Event-ID']
      : [after, '/after']
  if (cursor === undefined || cursor === '') return undefined
  const { feedId, position } = parseFeedCursor(cursor, pointer)
  return feedId === feed.id ? position : BEFORE_ALL
}

/** Throws `cursor_expired`, with the cursor to begin again from, when the reader has missed changes. */
function kept(page: FeedPage, feed: Feed): FeedPage & { ok: true } {
  if (page.ok) return page
  throw new AppError(
    'cursor_expired',
    'Changes after this cursor are no longer kept: read the data, then go on from `oldest`.',
    {
      extensions: { oldest: feedCursor({ feedId: feed.id, position: page.oldest }) },
    },
  )
}
