import { waitUntil } from '../../../local/wait.ts'
import type { Service } from './service.ts'

export interface FeedChange {
  readonly position: number
  readonly id: string
}

/** A client of the change feed that stays connected. */
export interface EventStream extends Disposable {
  /** What has come so far. */
  readonly changes: readonly FeedChange[]
  /** `undefined` while the connection is open; then whether it ended as it should, or was cut. */
  readonly end: 'whole' | 'cut' | undefined
  /** Resolves once a change of this item has come. */
  has(id: string): Promise<void>
}

export async function openEventStream({ url }: Pick<Service, 'url'>): Promise<EventStream> {
  const leave = new AbortController()
  const response = await fetch(`${url}/changes`, {
    headers: { accept: 'text/event-stream' },
    signal: leave.signal,
  })
  if (response.status !== 200 || response.body === null) throw new Error(`no stream: ${response.status}`)
  const changes: FeedChange[] = []
  let end: EventStream['end']

  async function read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true })
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (data !== undefined) changes.push(JSON.parse(data))
      }
    }
  }
  read(response.body).then(
    () => {
      end = 'whole'
    },
    () => {
      end = 'cut'
    },
  )

  return {
    changes,
    get end() {
      return end
    },
    async has(id) {
      await waitUntil(`a change of ${id} comes`, () => changes.some((change) => change.id === id), {
        timeoutMs: 10_000,
      })
    },
    [Symbol.dispose]: () => leave.abort(),
  }
}
