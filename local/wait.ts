import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20

/** Polls until `probe` resolves to something else than undefined or false. Throws, naming `what`, at the deadline. */
export async function waitUntil<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs }: { timeoutMs: number },
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  while (performance.now() < deadlineMs) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    await delay(POLL_MS)
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`)
}

/** Polls `url` until it answers with `status` (200). Resolves to the answer's body; throws at the deadline. */
export async function waitForHttp(
  url: string,
  { timeoutMs, status = 200 }: { timeoutMs: number; status?: number },
): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs)
  return waitUntil(
    `${url} answers ${status}`,
    async () => {
      const response = await fetch(url, { signal }).catch(() => undefined)
      const body = await response?.text().catch(() => undefined)
      return response?.status === status && body
    },
    { timeoutMs },
  )
}
