import assert from 'node:assert/strict'
import { waitUntil } from '../../../../local/wait.ts'
import { ask } from '../ask.ts'
import type { Service } from '../service.ts'

const PAGE_LIMIT = 1000
const soon = { timeoutMs: 20_000 }

export interface FedChange {
  readonly position: number
  readonly id: string
  readonly version: number
}

interface Page {
  readonly changes: readonly FedChange[]
  readonly next: string
}

/** Reads the whole feed, of which a page that is not full is the end. A database that is busy may say 503. */
export async function readFeed(service: Pick<Service, 'url'>): Promise<FedChange[]> {
  const all: FedChange[] = []
  for (let after = ''; ; ) {
    const { changes, next } = await waitUntil('a page of the feed', () => page(service, after), soon)
    all.push(...changes)
    if (changes.length < PAGE_LIMIT) return all
    after = `&after=${next}`
  }
}

async function page(service: Pick<Service, 'url'>, after: string): Promise<Page | false> {
  const { status, body } = await ask<Page>(service, 'GET', `/changes?limit=${PAGE_LIMIT}${after}`)
  if (status === 503) return false
  assert.equal(status, 200, JSON.stringify(body))
  return body
}
