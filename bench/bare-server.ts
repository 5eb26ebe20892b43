// The floor: what node:http itself costs. It repeats recorded answers and does no work of its own.
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { Answer, Answers } from './answers.ts'

const file = process.argv[2]
if (file === undefined)
  throw new Error('usage: node bench/bare-server.ts ANSWERS.json (HOST and PORT in the environment)')
const { item, notModified, put, keepAliveSeconds }: Answers = JSON.parse(readFileSync(file, 'utf8'))

const server = createServer((request, response) => {
  if (request.method === 'PUT') request.on('end', () => send(response, put)).resume()
  else send(response, request.headers['if-none-match'] === undefined ? item : notModified)
})
server.keepAliveTimeout = keepAliveSeconds * 1_000
server.listen(Number(process.env.PORT ?? 8000), process.env.HOST ?? '127.0.0.1')

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers as string[])
  response.end(body)
}
