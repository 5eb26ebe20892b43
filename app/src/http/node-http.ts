/**
 * `node:http` without what it drags along: an ECMAScript import evaluates all of its exports, and one of them loads a
 * whole HTTP client and a WebSocket, 10 MB that nothing here uses.
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')
