/** How something that the service works with is, as it is shown to everybody: nothing internal. */
export interface DependencyStatus {
  readonly state: 'ok' | 'starting' | 'unavailable'
  /** Of the latest round trip; null before the first. */
  readonly latencyMs: number | null
  /** Why it is not `ok`, as far as is known. */
  readonly detail?: string
}
