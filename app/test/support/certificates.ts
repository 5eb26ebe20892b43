import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** What signs certificates, for as long as a test runs. Its own certificate is for those who are to trust it. */
export interface Authority {
  readonly certificate: string
  /** A certificate for these host names and IPv4 addresses, and its key. In PEM, as everything here. */
  issue(...names: readonly string[]): { readonly certificate: string; readonly key: string }
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

export function createAuthority(name: string): Authority {
  const own = newKeys()
  const signed = (subject: string, key: KeyObject, extension: Buffer) =>
    pemOf(certificateOf({ subject, key, extension, issuer: name, issuerKey: own.privateKey }))
  return {
    certificate: signed(name, own.publicKey, IS_AUTHORITY),
    issue(...names) {
      const { publicKey, privateKey } = newKeys()
      return {
        certificate: signed('server', publicKey, namesExtension(names)),
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }
    },
  }
}

// Node.js has no function that makes a certificate. This is X.509 version 3 (RFC 5280) as far as it is needed, in DER.

const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const VERSION = 0xa0
const EXTENSIONS = 0xa3
const DNS_NAME = 0x82
const IP_ADDRESS = 0x87

const TRUE = Buffer.from('0101ff', 'hex')
const COMMON_NAME = Buffer.from('0603550403', 'hex')
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')
const ECDSA_WITH_SHA256 = der(SEQUENCE, Buffer.from('06082a8648ce3d040302', 'hex'))
const IS_AUTHORITY = der(SEQUENCE, BASIC_CONSTRAINTS, TRUE, der(OCTET_STRING, der(SEQUENCE, TRUE)))

const DAY_MS = 86_400_000
let serial = 0

interface Content {
  readonly subject: string
  readonly key: KeyObject
  readonly issuer: string
  readonly issuerKey: KeyObject
  readonly extension: Buffer
}

function certificateOf({ subject, key, issuer, issuerKey, extension }: Content): Buffer {
  const content = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([++serial])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    der(SEQUENCE, timeOf(Date.now() - DAY_MS), timeOf(Date.now() + DAY_MS)),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(SEQUENCE, extension)),
  )
  const signature = sign('sha256', content, issuerKey)
  return der(SEQUENCE, content, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.from([0]), signature))
}

function namesExtension(names: readonly string[]): Buffer {
  const all = names.map((name) =>
    isIPv4(name)
      ? der(IP_ADDRESS, Buffer.from(name.split('.').map(Number)))
      : der(DNS_NAME, Buffer.from(name)),
  )
  return der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, der(SEQUENCE, ...all)))
}

function nameOf(commonName: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(commonName)))))
}

/** `YYMMDDhhmmssZ` */
function timeOf(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/\D/g, '').slice(2, 14)
  return der(UTC_TIME, Buffer.from(`${digits}Z`))
}

/** Tag, length, content; a length from 128 on says first how many bytes it has. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const lengthBytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content])
}

function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
