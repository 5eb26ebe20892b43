/** Who is to send a message dies or stands still: it was committed with its import, and somebody else sends it. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, serves } from '../../support/ask.ts'
import { randomOf } from '../../support/random.ts'
import type { Service } from '../../support/service.ts'
import { type SqsServer, startSqsServer } from '../../support/sqs.ts'
import { openSite, type Site } from '../../support/work/site.ts'
import { acceptedImport, bodyOf, succeeds } from '../../support/work/upload.ts'

const LINES = 600
/** From the commit on, whatever has happened to whoever committed it. */
const TAKEOVER_MS_MAX = 15_000
const soon = { timeoutMs: TAKEOVER_MS_MAX }

let sqs: SqsServer
before(async () => {
  sqs = await startSqsServer()
})
after(() => sqs[Symbol.asyncDispose]())

async function messagesOf({ database }: Site): Promise<number> {
  const [row] = await database.query('select count(*)::int as messages from messages')
  return row?.messages
}

/** A process that has committed an import and is sending its message, of which so much is lost. */
async function stuckSender(site: Site, ...lost: readonly ('requests' | 'answers')[]) {
  const sender = await site.start('api')
  const sending = site.proxy.sent('SendMessage')
  site.proxy.hold(...lost)
  const id = await acceptedImport(sender, bodyOf('stuck', LINES))
  await sending
  assert.equal(await messagesOf(site), 1, 'it is forgotten before the queue has acknowledged it')
  return { sender, id }
}

/** A worker whose way to the queue is free takes over. */
async function takeOver(site: Site, id: string): Promise<void> {
  await site.start('worker', site.queue.environment())
  const isDone = async () => {
    const [row] = await site.database.query('select state from imports where id = $1', [id])
    return row?.state === 'succeeded'
  }
  await waitUntil('the import is completed', isDone, soon)
}

async function assertAllDone(site: Site, imports: number): Promise<void> {
  const [row] = await site.database.query(
    `select count(*)::int as items, max(version)::int as newest from data where id <> 'serves'`,
  )
  assert.deepEqual([row?.items, row?.newest], [imports * LINES, 1], 'each line once')
  const none = async () => {
    const { visible, inFlight, dead } = await site.queue.size()
    return (await messagesOf(site)) + visible + inFlight + dead === 0
  }
  await waitUntil('no message is left', none, soon)
}

suite('somebody else goes on', { concurrency: true }, () => {
  test('a process that is killed while it sends a message: others send it', async () => {
    await using site = await openSite(sqs)
    const { sender, id } = await stuckSender(site, 'requests', 'answers')
    await sender.kill()
    await takeOver(site, id)
    await assertAllDone(site, 1)
    // The worker is the only process that is left.
    const isFed = async () => (await site.database.query('select from outbox')).length === 0
    await waitUntil('its changes are in the feed', isFed, soon)
  })

  for (const [what, lost] of [
    ['which has not reached the queue', ['requests', 'answers']],
    ['which the queue has, and could not say so', ['answers']],
  ] as const) {
    test(`a process that stands still while it sends a message, ${what}: others send it, and later it does no harm`, async () => {
      await using site = await openSite(sqs)
      const { sender, id } = await stuckSender(site, ...lost)
      sender.signal('SIGSTOP')
      await takeOver(site, id)
      await waitUntil('it is sent', async () => (await messagesOf(site)) === 0, soon)
      site.proxy.pass()
      sender.signal('SIGCONT')
      await serves(sender)
      await succeeds(sender, await acceptedImport(sender, bodyOf('next', LINES)), soon)
      await assertAllDone(site, 2)
    })
  }

  test('a worker that stands still at any moment of its work holds up neither the feed nor imports', async (t) => {
    const random = randomOf(t)
    await using site = await openSite(sqs)
    const [api, frozen] = await Promise.all([site.start('api'), site.start('worker'), site.start('worker')])
    const first = await acceptedImport(api, bodyOf('first', LINES))
    await delay(random.below(200))
    frozen.signal('SIGSTOP')
    const { next } = (await ask<{ next: string }>(api, 'GET', '/changes?limit=1000')).body
    assert.ok((await ask(api, 'PUT', '/data/serves', 1)).status < 300)
    await followed(api, next, 'serves')
    const second = await acceptedImport(api, bodyOf('second', LINES))
    for (const id of [first, second]) await succeeds(api, id, soon)
    frozen.signal('SIGCONT')
    await assertAllDone(site, 2)
  })
})

/** Resolves when the feed has the next change of an item. */
async function followed(api: Service, after: string, id: string): Promise<void> {
  let cursor = after
  await waitUntil(
    `${id} is in the feed`,
    async () => {
      const { body } = await ask<Page>(api, 'GET', `/changes?limit=1000&wait=1&after=${cursor}`)
      cursor = body.next
      return body.changes.some((change) => change.id === id)
    },
    { timeoutMs: 5000 },
  )
}

interface Page {
  readonly changes: readonly { readonly id: string }[]
  readonly next: string
}
