import { url } from './kinds.ts'

const isUrl = url(['http:', 'https:'])
const expected = `${isUrl.expected} and ends in the name of a standard queue`

/** A check for `text`: a queue of SQS, and none whose order would hold messages up (`.fifo`). */
export const queueUrl = Object.assign(
  (given: string): string | undefined => {
    if (isUrl(given) !== undefined) return expected
    return /\/[\w-]{1,80}$/.test(new URL(given).pathname) ? undefined : expected
  },
  { expected },
)
