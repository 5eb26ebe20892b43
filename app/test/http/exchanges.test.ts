import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { appOf } from '../support/app.ts'

/** The API in front of a store whose every operation waits until it is let go. */
async function appBeforeSlowStore(t: TestContext) {
  const called = Promise.withResolvers<void>()
  const letGo = Promise.withResolvers<void>()
  const slowly =
    <Args extends unknown[], Result>(operation: (...args: Args) => Promise<Result>) =>
    async (...args: Args) => {
      called.resolve()
      await letGo.promise
      return operation(...args)
    }
  const { app, registry } = await appOf(t, {
    storeOf: (memory) => ({
      ...memory,
      get: slowly(memory.get),
      put: slowly(memory.put),
      delete: slowly(memory.delete),
    }),
  })
  const inLine = async () => {
    const metrics = await registry.getMetricsAsJSON()
    return metrics.find(({ name }) => name === 'http_line_requests')?.values[0]?.value
  }
  return { app, registry, inLine, called: called.promise, letGo: letGo.resolve }
}

const json = { 'content-type': 'application/json' }

suite('a request stands in line while the store has it, and no longer', () => {
  for (const [what, request] of Object.entries({
    'a read': { method: 'GET', url: '/data/1' },
    'a read of the head': { method: 'HEAD', url: '/data/1' },
    'a write': { method: 'PUT', url: '/data/1', headers: json, payload: '1' },
    'a delete without a body': { method: 'DELETE', url: '/data/1' },
    'a delete with a body': { method: 'DELETE', url: '/data/1', headers: json, payload: '1' },
  } as const)) {
    test(what, async (t) => {
      const { app, inLine, called, letGo } = await appBeforeSlowStore(t)
      const answered = app.inject(request)
      await called
      assert.equal(await inLine(), 1)
      letGo()
      await answered
      assert.equal(await inLine(), 0)
    })
  }
})

test('requests are counted by the pattern of their route, and by none when they have no route', async (t) => {
  const { app, registry, letGo } = await appBeforeSlowStore(t)
  letGo()
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const ask = async (path: string, method = 'GET') => (await fetch(origin + path, { method })).text()
  for (const path of ['/data/1', '/data/2', '/nothing', '/%']) await ask(path)
  await ask('/data/3', 'HEAD')
  await ask('/data/4', 'POST')
  const counts = [
    ...(await registry.metrics()).matchAll(/^http_request_duration_seconds_count\{(.*)\} (\d+)$/gm),
  ]
  assert.deepEqual(
    counts.map(([, labels, count]) => `${labels} ${count}`),
    [
      'method="GET",route="/data/:id",status="404" 2',
      'method="GET",route="none",status="404" 1',
      'method="GET",route="none",status="400" 1',
      'method="HEAD",route="/data/:id",status="404" 1',
      'method="POST",route="/data/:id",status="405" 1',
    ],
  )
})
