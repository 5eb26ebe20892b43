/** Of the GETs of items between two looks: the share that each level answered, and of rows that the database read. */
export interface Levels {
  readonly near: number
  readonly redis: number
  /** Rows that were read for each GET. */
  readonly rows: number
  /** The same as a number. */
  readonly rowsRead: number
}

type Metrics = ReadonlyMap<string, number>

/** From the service's metrics at two times. Undefined when neither a cache nor a database was asked for an item. */
export function levelsBetween(before: Metrics, after: Metrics): Levels | undefined {
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  const of = (level: string, result: string) =>
    grown(`cache_requests_total{level="${level}",result="${result}"}`)
  const rowsRead = grown('database_batch_rows_sum{kind="read"}')
  // Every read asks the near level first; without a cache, every read is a row.
  const asked = of('near', 'hit') + of('near', 'miss')
  if (asked === 0) return rowsRead === 0 ? undefined : { near: 0, redis: 0, rows: 1, rowsRead }
  return {
    near: of('near', 'hit') / asked,
    redis: of('redis', 'hit') / asked,
    rows: rowsRead / asked,
    rowsRead,
  }
}
