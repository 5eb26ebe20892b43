import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { getItem } from '../../bench/item-requests.ts'
import { waitUntil } from '../../local/wait.ts'
import { startLoad } from '../load.ts'
import { startRecording } from '../recording.ts'

/** More than the load has connections. */
const HELD = 600

test('a request that finds every connection busy waits for one, and has not failed', async () => {
  let holds = true
  const held: ServerResponse[] = []
  const answer = (response: ServerResponse) => response.setHeader('Content-Length', 2).end('ok')
  const server = createServer((_, response) => void (holds ? held.push(response) : answer(response)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const recording = startRecording()
    await using load = await startLoad(recording, { port, perSecond: 2000, requests: [getItem('1')] })
    await waitUntil('all connections are busy', () => load.sent > HELD, { timeoutMs: 10_000 })
    holds = false
    held.forEach(answer)
    await load.end()
    assert.ok(held.length < HELD)
    assert.deepEqual(
      recording.samples.filter(({ outcome }) => outcome !== 'answered'),
      [],
    )
    assert.equal(recording.samples.length, load.sent)
  } finally {
    server.close()
  }
})
