export function milliseconds(ms: number): string {
  if (Number.isNaN(ms)) return '–'
  if (ms >= 9999.5) return `${(ms / 1000).toFixed(1)} s`
  return ms >= 9.95 ? `${whole(ms)} ms` : `${ms.toFixed(1)} ms`
}

/** What a bound has become on a machine that others use; nothing where it is what it was. */
export function widened(boundMs: number, patience: number): string {
  return patience > 1 ? ` (${milliseconds(boundMs * patience)} allowed, for others use this machine)` : ''
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** `3 writes`, `1 write`. */
export function counted(count: number, one: string): string {
  return `${whole(count)} ${count === 1 ? one : `${one}s`}`
}

/** As text of an HTML page. */
export function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character)
}
