import { AppError } from '../../domain/errors.ts'

/** Answers of Redis to wrong credentials, and to rights that are missing. */
const PERMANENT = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/

/** What to tell the operator when waiting does not mend it; undefined for everything else. */
export function permanentFault(error: unknown): string | undefined {
  const { message } = error as Error
  if (!PERMANENT.test(message)) return undefined
  return `Redis refuses this service (${message.split(' ')[0]}): check the user and password of REDIS_URL, REDIS_PASSWORD, and the user's rights (docs/ARCHITECTURE.md).`
}

export function unavailable(cause?: unknown): AppError {
  return new AppError('unavailable', 'The cache cannot be reached at this moment.', { cause })
}
