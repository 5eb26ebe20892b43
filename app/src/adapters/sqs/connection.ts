import { GetQueueUrlCommand, QueueDoesNotExist, SQSClient } from '@aws-sdk/client-sqs'
import type { Config } from '../../config.ts'
import type { DependencyStatus } from '../../ports/dependency.ts'
import type { OutageLog } from '../outage-log.ts'

/** The way to SQS, on which every request has a deadline. */
export interface SqsConnection {
  /** As the SDK's. Rejects with what the SDK throws, or when there is no answer in time. */
  readonly send: SQSClient['send']
  status(): DependencyStatus
  close(): void
}

/** A request that is to wait for messages may take longer by that. */
export const LONG_POLL_MS = 10_000
/** A pooled connection may have been closed by the other side: that is worth a second try. */
const ATTEMPTS_MAX = 2
/** `https://sqs.eu-central-1.amazonaws.com/…`, as SQS names its queues. */
const REGION_OF_HOST = /^sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/
/** The SDK wants a region also where none has a meaning. */
const NO_REGION = 'us-east-1'

interface SendOptions {
  readonly abortSignal?: AbortSignal
}

export function connectToSqs(config: Config, outage: OutageLog): SqsConnection {
  const { QUEUE_URL, AWS_REGION, AWS_ENDPOINT_URL_SQS, QUEUE_TIMEOUT_MS } = config
  const { hostname, origin } = new URL(QUEUE_URL as string)
  const client = new SQSClient({
    region: AWS_REGION ?? REGION_OF_HOST.exec(hostname)?.[1] ?? NO_REGION,
    endpoint: AWS_ENDPOINT_URL_SQS ?? origin,
    useQueueUrlAsEndpoint: false,
    maxAttempts: ATTEMPTS_MAX,
  })
  let state: DependencyStatus['state'] = 'starting'
  let latencyMs: number | null = null

  async function send(command: SqsCommand, { abortSignal }: SendOptions = {}): Promise<unknown> {
    const waitMs = 'WaitTimeSeconds' in command.input ? LONG_POLL_MS : 0
    const timeout = AbortSignal.timeout(QUEUE_TIMEOUT_MS + waitMs)
    const startMs = performance.now()
    try {
      const answer = await client.send(command as never, {
        abortSignal: abortSignal === undefined ? timeout : AbortSignal.any([abortSignal, timeout]),
      })
      reached(waitMs === 0 ? performance.now() - startMs : undefined)
      return answer
    } catch (error) {
      if (isQuestion(command) && error instanceof QueueDoesNotExist) reached(undefined)
      else if (!abortSignal?.aborted) failed(timeout.aborted ? timedOut(QUEUE_TIMEOUT_MS + waitMs) : error)
      throw error
    }
  }

  function reached(ms: number | undefined): void {
    if (ms !== undefined) latencyMs = Math.round(ms * 1000) / 1000
    state = 'ok'
    outage.over()
  }

  /** An answer that is about one message says nothing about the queue. */
  function failed(error: unknown): void {
    if (OF_A_MESSAGE.includes((error as Error).name)) return
    state = 'unavailable'
    outage.goesOn(error as Error)
  }

  return {
    send: send as SQSClient['send'],
    status: () =>
      state === 'unavailable' ? { state, latencyMs, detail: detailOf(outage.reason) } : { state, latencyMs },
    close: () => client.destroy(),
  }
}

interface SqsCommand {
  readonly input: object
}

const OF_A_MESSAGE: readonly string[] = ['MessageNotInflight', 'ReceiptHandleIsInvalid']

/** Whether there is a queue of a name: a no is an answer. */
function isQuestion(command: object): boolean {
  return command instanceof GetQueueUrlCommand
}

function timedOut(ms: number): Error {
  return new Error(`no answer within ${ms} ms`)
}

/** In our words alone: what the SDK says may name hosts and accounts. */
function detailOf(reason: Error | undefined): string {
  if (reason?.name === 'QueueDoesNotExist') return 'the queue does not exist'
  if (reason?.name === 'AccessDenied' || reason?.name === 'AccessDeniedException')
    return 'access to the queue is denied'
  return 'the queue cannot be reached'
}
