import { whole } from '../bench/text.ts'
import type { Stretch } from './recording.ts'

export function milliseconds(ms: number): string {
  if (Number.isNaN(ms)) return '–'
  if (ms >= 9999.5) return `${(ms / 1000).toFixed(1)} s`
  return ms >= 9.95 ? `${whole(ms)} ms` : `${ms.toFixed(1)} ms`
}

/** `3 writes`, `1 write`. */
export function counted(count: number, one: string): string {
  return `${whole(count)} ${count === 1 ? one : `${one}s`}`
}

/** Requests without a good answer, of all. */
export function failures({ failed, refused, count }: Pick<Stretch, 'failed' | 'refused' | 'count'>): string {
  return `${counted(failed + refused, 'failure')} in ${counted(count, 'request')}`
}

/** As text of an HTML page. */
export function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character)
}
