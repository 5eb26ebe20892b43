import { AppError, type FieldError } from '../../domain/errors.ts'
import { BATCH_BYTES_MAX, type Operation, VALUE_BYTES_MAX } from '../../domain/item.ts'
import { arrayElements, checkLevels, objectMembers, parseJson } from '../../domain/json-text.ts'
import type { BatchResult } from '../../ports/store.ts'
import type { RouteContext } from '../context.ts'
import type { App } from '../framework.ts'
import { answerWritten, bodyText } from '../item-replies.ts'
import { answers, Batch, type BatchOperation, BatchResults } from '../schemas.ts'

/** `POST /batch`: puts and deletes that take effect together or not at all. */
export function batchRoutes(app: App, { store }: RouteContext): void {
  const response = answers({ 200: BatchResults }, 400, 412, 413, 415, 422, 503, 507)
  /** The batch as sent, beside its parsed form: values are taken from here, as text. */
  const texts = new WeakMap<object, string>()
  app.post(
    '/batch',
    {
      bodyLimit: BATCH_BYTES_MAX,
      schema: { tags: ['data'], summary: 'Write up to 500 items atomically', body: Batch, response },
      preValidation: async (request) => {
        const text = bodyText(request)
        texts.set(request, text)
        request.body = parseJson(text) as typeof request.body
      },
    },
    async (request, reply) => {
      const operations = operationsOf(request.body.operations as BatchOperation[], texts.get(request) ?? '')
      const result = await store.batch(operations, request.exchange)
      if (!result.ok) throw batchRefused(operations, result)
      const results = operations.map(({ id }, index) => ({ id, version: result.versions[index] }))
      return answerWritten(request, reply, JSON.stringify({ results }))
    },
  )
}

/** The operations with their values' texts. Throws `invalid_field` naming every one that is at fault. */
function operationsOf(parsed: readonly BatchOperation[], text: string): Operation[] {
  const elements = arrayElements(objectMembers(text).get('operations') ?? '[]')
  const errors: FieldError[] = []
  const seen = new Set<string>()
  const operations = parsed.map((operation, index): Operation => {
    const { op, id, ifVersion } = operation
    if (seen.has(id)) errors.push(fault(`/operations/${index}/id`, 'Expected every id only once in a batch.'))
    seen.add(id)
    if (op === 'delete') return { op, id, ifVersion }
    const value = objectMembers(elements[index] ?? '{}').get('value') ?? 'null'
    errors.push(...valueFaults(value, `/operations/${index}/value`))
    return { op, id, value, ifVersion }
  })
  if (errors.length > 0)
    throw new AppError('invalid_field', 'Some operations are not valid; nothing was written.', { errors })
  return operations
}

function valueFaults(value: string, pointer: string): FieldError[] {
  if (Buffer.byteLength(value) > VALUE_BYTES_MAX) {
    return [fault(pointer, `Expected a value of at most ${VALUE_BYTES_MAX} bytes.`)]
  }
  try {
    checkLevels(value, pointer)
    return []
  } catch (error) {
    return [...((error as AppError).errors ?? [])]
  }
}

function fault(pointer: string, detail: string): FieldError {
  return { pointer, code: 'invalid_field', detail }
}

function batchRefused(operations: readonly Operation[], { refused }: BatchResult & { ok: false }): AppError {
  const errors = refused.map(({ index, currentVersion }): FieldError => {
    const absent = operations[index]?.ifVersion === undefined
    const detail =
      absent || currentVersion === 0
        ? 'The item does not exist.'
        : `The item's current version is ${currentVersion}.`
    return { pointer: `/operations/${index}`, code: absent ? 'not_found' : 'precondition_failed', detail }
  })
  return new AppError('precondition_failed', 'Some operations were refused; nothing was written.', { errors })
}
