import { DatabaseError } from 'pg'
import { OperatorFault } from '../../domain/errors.ts'
import { UnfitServer } from './session.ts'

/** By SQLSTATE (PostgreSQL documentation, appendix A), what to do. */
const adviceByState: Readonly<Record<string, string>> = {
  '28P01': 'Correct the user or the password in DATABASE_URL, or in DATABASE_USER and DATABASE_PASSWORD.',
  '28000': 'Let this user in from here (pg_hba.conf), or correct DATABASE_URL.',
  '3D000': 'Create the database, or correct its name in DATABASE_URL or DATABASE_NAME.',
  '42501': 'Grant the user the right to connect and to use the schema.',
}

/** By Node.js's error code of a TLS handshake. */
const CERTIFICATE_FAULTS = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT)/
const NO_TLS = 'The server does not support SSL connections'

/** What waiting does not mend, with the way to mend it; undefined for everything that may pass. */
export function permanentFault(error: unknown): OperatorFault | undefined {
  if (error instanceof OperatorFault) return error
  if (error instanceof UnfitServer) {
    if (!error.isPermanent) return undefined
    return fault(error, 'Create the database with the encoding UTF8.')
  }
  if (error instanceof DatabaseError) {
    const advice = adviceByState[error.code ?? '']
    return advice === undefined ? undefined : fault(error, advice)
  }
  const { code = '', message } = error as NodeJS.ErrnoException
  if (CERTIFICATE_FAULTS.test(code)) {
    return fault(error, 'Give the authority of its certificate by sslrootcert, and its name as the host.')
  }
  return message === NO_TLS ? fault(error, 'Turn on TLS in the server, or set sslmode=disable.') : undefined
}

function fault(cause: unknown, advice: string): OperatorFault {
  return new OperatorFault(`The database refuses this service: ${(cause as Error).message}. ${advice}`, {
    cause,
  })
}
