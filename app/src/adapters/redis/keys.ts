import type { RedisClient } from './client.ts'

/**
 * The parts that a cluster's entries are in, each with a position of its own in the same slot: whatever a failover loses,
 * it loses both, and the position tells. Many enough for a dozen masters to have a like share.
 */
const CLUSTER_PARTS = 32

type Of = Pick<RedisClient, 'isCluster'>

/** The names under which things are kept. Their hash tag, in braces, is their part of the cache. */
export interface Keys {
  parts(client: Of): readonly number[]
  partOf(id: string, client: Of): number
  ofEntry(id: string, client: Of): string
  ofPosition(part: number): string
  ofProbe(part: number): string
}

export function createKeys(feedId: () => string): Keys {
  const [one, all] = [1, CLUSTER_PARTS].map((count) => Array.from({ length: count }, (_, part) => part))

  function partOf(id: string, { isCluster }: Of): number {
    return isCluster ? hash(id) % CLUSTER_PARTS : 0
  }

  return {
    parts: ({ isCluster }) => (isCluster ? all : one) as number[],
    partOf,
    ofEntry: (id, client) => `data:{${partOf(id, client)}}:${feedId()}:${id}`,
    ofPosition: (part) => `position:{${part}}:${feedId()}`,
    ofProbe: (part) => `probe:{${part}}`,
  }
}

/** FNV-1a, 32 bits: ids are ASCII. See draft-eastlake-fnv. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
