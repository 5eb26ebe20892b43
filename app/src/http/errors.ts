import type { FastifyError } from 'fastify'
import { AppError, type FieldError } from '../domain/errors.ts'
import type { Log } from '../log.ts'
import type { App, Reply, Request } from './framework.ts'
import { PROBLEM_TYPE, problemText, retryAfterHeader, statusByCode } from './problem.ts'

/** Turns everything that is thrown into a problem document. What is not ours is logged, and shown as `internal`. */
export function problemHandlers(app: App, log: Log): void {
  app.setErrorHandler((error: unknown, request: Request, reply: Reply) => {
    const known = error instanceof AppError ? error : frameworkError(Object(error) as FastifyError, request)
    if (known.code === 'internal') log.error({ err: error, reqId: request.id }, 'request failed')
    return sendProblem(request, reply, known)
  })
  app.setNotFoundHandler((request: Request, reply: Reply) =>
    sendProblem(
      request,
      reply,
      new AppError('not_found', 'There is nothing at this path; GET / tells what there is.'),
    ),
  )
}

export function sendProblem(request: Request, reply: Reply, error: AppError): Reply {
  return reply
    .code(statusByCode[error.code])
    .headers(retryAfterHeader(error.code))
    .header('content-type', PROBLEM_TYPE)
    .send(problemText(error, request.id))
}

function frameworkError(error: FastifyError, request: Request): AppError {
  if (error.validation !== undefined) return validationError(error.validation as readonly Violation[])
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupportedMediaType(request)
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('too_large', 'The body is too large.')
    case 'FST_ERR_BAD_URL':
      return new AppError(
        'bad_request',
        'Expected a path in which every % begins a percent-encoded UTF-8 byte.',
      )
    default:
      return new AppError('internal', 'Something went wrong inside the service.')
  }
}

export function unsupportedMediaType(request: Request): AppError {
  const expected = takesImports(request)
    ? 'NDJSON (application/x-ndjson) or CSV (text/csv)'
    : request.method === 'PATCH'
      ? 'application/merge-patch+json or application/json'
      : 'application/json'
  return new AppError(
    'unsupported_media_type',
    `Expected a body of type ${expected}, in UTF-8 and without a content encoding.`,
  )
}

/** Whether the request's body is an import's; all others are JSON. */
export function takesImports({ routeOptions }: Request): boolean {
  return routeOptions.url === '/imports'
}

/** An error of the schema validator (Ajv), with the schema that was violated. */
interface Violation {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
  readonly parentSchema?: { readonly description?: string }
}

function validationError(violations: readonly Violation[]): AppError {
  const errors = violations.map(fieldError)
  const detail =
    errors.length === 1 ? (errors[0] as FieldError).detail : `${errors.length} fields are not valid.`
  return new AppError('invalid_field', detail, { errors })
}

function fieldError({ keyword, instancePath, params, message, parentSchema }: Violation): FieldError {
  const code = 'invalid_field'
  switch (keyword) {
    case 'required':
      return {
        pointer: `${instancePath}/${params.missingProperty}`,
        code,
        detail: 'Expected this field to be there.',
      }
    case 'additionalProperties': {
      const name = String(params.additionalProperty).replaceAll('~', '~0').replaceAll('/', '~1')
      return {
        pointer: `${instancePath}/${name}`,
        code,
        detail: 'Expected no such field: it is not known here.',
      }
    }
    case 'discriminator':
      return { pointer: `${instancePath}/op`, code, detail: 'Expected "put" or "delete".' }
    default: {
      const { description } = parentSchema ?? {}
      const detail = description === undefined ? `The value ${message}.` : `Expected ${description}.`
      return { pointer: instancePath, code, detail }
    }
  }
}
