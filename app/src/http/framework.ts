import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyTypeProvider,
} from 'fastify'
import type { FromSchema, JSONSchema } from 'json-schema-to-ts'
import type { Exchange } from './exchange.ts'
import type { Principal } from './principal.ts'

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange
    principal: Principal
  }
}

/** What a validated request has is what its schema says. Answers are text, or checked by tests. */
interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends JSONSchema ? FromSchema<this['schema']> : unknown
  readonly serializer: unknown
}

/** The framework with our schemas as its types. */
export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, SchemaTypes>
export type Request = FastifyRequest
export type Reply = FastifyReply
