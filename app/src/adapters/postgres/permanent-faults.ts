import { DatabaseError } from 'pg'
import { OperatorFault } from '../../domain/errors.ts'
import { StatementRefused } from './faults.ts'
import { UnfitServer } from './session.ts'

const CREDENTIALS =
  'Correct the user or the password in DATABASE_URL, or in DATABASE_USER and DATABASE_PASSWORD.'

/** By SQLSTATE (PostgreSQL documentation, appendix A), what to do. */
const adviceByState: Readonly<Record<string, string>> = {
  '28P01': CREDENTIALS,
  '28000': 'Let this user in from here (its role, or pg_hba.conf), or correct DATABASE_URL or DATABASE_USER.',
  '3D000': 'Create the database, or correct its name in DATABASE_URL or DATABASE_NAME.',
  '42501':
    'Grant the user of DATABASE_URL or DATABASE_USER the right to connect and to use the schema and its tables.',
}

/** By Node.js's error code of a TLS handshake. */
const CERTIFICATE_FAULTS = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT)/
const NO_TLS = 'The server does not support SSL connections'
/** `pg` has no code for it: the server asks for a password, and there is none. */
const NO_PASSWORD = 'client password must be a string'

/** What waiting does not mend, with the way to mend it; undefined for everything that may pass. */
export function permanentFault(error: unknown): OperatorFault | undefined {
  if (error instanceof OperatorFault) return error
  if (error instanceof UnfitServer) {
    if (!error.isPermanent) return undefined
    return fault(error, 'Create it with that encoding, or name another one in DATABASE_URL or DATABASE_NAME.')
  }
  if (error instanceof DatabaseError || error instanceof StatementRefused) {
    const advice = adviceByState[error.code ?? '']
    return advice === undefined ? undefined : fault(error, advice)
  }
  const { code = '', message } = error as NodeJS.ErrnoException
  if (CERTIFICATE_FAULTS.test(code)) {
    return fault(
      error,
      "Name the host in DATABASE_URL or DATABASE_HOST as its certificate does, and the certificate's authority in " +
        'sslrootcert of DATABASE_URL or in DATABASE_SSLROOTCERT.',
    )
  }
  if (message.includes(NO_PASSWORD))
    return fault(new Error('it asks for a password, and none is set'), CREDENTIALS)
  return message === NO_TLS
    ? fault(
        error,
        'Turn on TLS in the server, or set sslmode of DATABASE_URL or DATABASE_SSLMODE to disable.',
      )
    : undefined
}

function fault(cause: unknown, advice: string): OperatorFault {
  return new OperatorFault(`The database refuses this service: ${(cause as Error).message}. ${advice}`, {
    cause,
  })
}
