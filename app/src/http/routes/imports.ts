import { randomUUIDv7 } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { AppError } from '../../domain/errors.ts'
import { createChunker } from '../../domain/imports/chunker.ts'
import { createCsvReader } from '../../domain/imports/csv.ts'
import { createNdjsonReader } from '../../domain/imports/ndjson.ts'
import { isoTime } from '../../domain/iso-time.ts'
import {
  CHUNK_AGE_MAX_MS,
  CHUNK_BYTES_MAX,
  CHUNK_LINES_MAX,
  IMPORT_ERRORS_MAX,
  type Import as StoredImport,
} from '../../ports/imports.ts'
import type { Caller } from '../../ports/store.ts'
import type { RouteContext } from '../context.ts'
import type { App, Request } from '../framework.ts'
import { answerRead, answerWritten } from '../item-replies.ts'
import { CSV_TYPE } from '../media-types.ts'
import { answers, IdParams, Import, ImportBody } from '../schemas.ts'
import { createUploads } from '../uploads.ts'

const tags = ['imports']

/** `/imports`: bulk loads of any length, received as they come and applied when they are whole. */
export function importRoutes(app: App, context: RouteContext): void {
  const { imports, config } = context
  const uploads = createUploads(context)

  app.post(
    '/imports',
    {
      schema: {
        tags,
        summary: 'Load many items, as NDJSON or CSV',
        description:
          'One item a line: `{"id","value"}` as NDJSON, or CSV (RFC 4180) with a header that has `id` and either `value` ' +
          '(JSON text) or columns that become an object of strings. Nothing is applied before the body has ended. A bad ' +
          'line is reported and stops no other.',
        body: ImportBody,
        response: answers({ 202: Import }, 400, 409, 413, 415, 503, 507),
      },
      // It is not a JSON document, and it has not been read.
      attachValidation: true,
    },
    async (request, reply) => {
      request.exchange.leaveLine()
      const id = randomUUIDv7()
      await uploads.run(request, (body) => receive(id, body, request))
      const received = await imports.get(id, callerOf(request)).catch((cause) => {
        throw new AppError('outcome_unknown', 'The import was received, and cannot be told of.', { cause })
      })
      if (received === undefined) throw notFound()
      reply.code(202).header('location', `/imports/${id}`)
      return answerWritten(request, reply, importText(received))
    },
  )

  async function receive(id: string, body: IncomingMessage, request: Request): Promise<void> {
    const chunks = createChunker({
      linesMax: CHUNK_LINES_MAX,
      bytesMax: CHUNK_BYTES_MAX,
      faultsMax: IMPORT_ERRORS_MAX,
      ageMaxMs: CHUNK_AGE_MAX_MS,
    })
    const isCsv = mediaType(request) === CSV_TYPE
    const reader = isCsv ? createCsvReader(chunks) : createNdjsonReader(chunks)
    await imports.begin(id, callerOf(request))
    try {
      for await (const bytes of body) {
        reader.push(bytes)
        for (const chunk of chunks.takeDue()) await imports.stage(id, chunk, callerOf(request))
      }
      reader.end()
      for (const chunk of chunks.takeAll()) await imports.stage(id, chunk, callerOf(request))
    } catch (error) {
      // Whether anybody waits or not. What cannot be told now is given up when nothing has come of it for a while.
      const deadlineMs = performance.now() + config.ANSWER_TIMEOUT_MS
      await imports.fail(id, 'The body broke off.', { deadlineMs, left: false }).catch(() => {})
      throw error
    }
    if (reader.isUnusable) await imports.fail(id, 'The header cannot be used.', callerOf(request))
    else await imports.seal(id, traceparentOf(request), callerOf(request))
  }

  /** An upload takes longer than one request may wait: each of its steps has that time. */
  function callerOf({ exchange }: Request): Caller {
    return {
      deadlineMs: performance.now() + config.ANSWER_TIMEOUT_MS,
      get left() {
        return exchange.left
      },
    }
  }

  app.get(
    '/imports/:id',
    {
      schema: {
        tags,
        summary: 'How far an import is',
        params: IdParams,
        response: answers({ 200: Import }, 404, 422, 503),
      },
    },
    async (request, reply) => {
      const found = await imports.get(request.params.id, request.exchange)
      if (found === undefined) throw notFound()
      return answerRead(request, reply, importText(found))
    },
  )

  app.delete(
    '/imports/:id',
    {
      schema: {
        tags,
        summary: 'Cancel an import: after the answer nothing more is applied, and what was applied stays',
        params: IdParams,
        response: answers({ 200: Import }, 404, 422, 503),
      },
    },
    async (request, reply) => {
      const canceled = await imports.cancel(request.params.id, request.exchange)
      if (canceled === undefined) throw notFound()
      return answerWritten(request, reply, importText(canceled))
    },
  )
}

function mediaType({ headers }: Pick<Request, 'headers'>): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/** W3C Trace Context, section 3.2: an invalid one is ignored. */
function traceparentOf({ headers: { traceparent } }: Request): string | undefined {
  const isValid =
    typeof traceparent === 'string' && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(traceparent)
  return isValid ? traceparent : undefined
}

function notFound(): AppError {
  return new AppError('not_found', 'There is no import with this id.')
}

function importText({
  id,
  state,
  detail,
  lines,
  errors,
  createdAtMs,
  updatedAtMs,
  finishedAtMs,
}: StoredImport): string {
  return JSON.stringify({
    id,
    state,
    ...(detail !== undefined && { detail }),
    lines,
    errors,
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
    finishedAt: finishedAtMs === undefined ? null : isoTime(finishedAtMs),
  })
}
