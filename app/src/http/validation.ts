import { Ajv } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'

const options = { useDefaults: true, discriminator: true, verbose: true, strict: false } as const

/**
 * Compiles schemas to validators. Query parameters are text and are turned into the numbers that they stand for;
 * a body's fields have to have the right type already.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const query = new Ajv({ ...options, coerceTypes: true, allErrors: true })
  const body = new Ajv(options)
  return ({ schema, httpPart }) => (httpPart === 'querystring' ? query : body).compile(schema)
}
