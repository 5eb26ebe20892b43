export const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson']
export const CSV_TYPE = 'text/csv'
