import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultsOf, fileWith } from './support/config.ts'
import { runService } from './support/service.ts'

const DATABASE_URL = 'postgres://app:hunter2@db.internal/app'
const parts = { DATABASE_HOST: 'db', DATABASE_NAME: 'app', DATABASE_USER: 'app', DATABASE_PASSWORD: 'x' }

test('a URL without sslmode, with `disable` or with `verify-full` is taken', () => {
  const ca = encodeURIComponent(fileWith('a certificate'))
  for (const parameters of [
    '',
    '?sslmode=disable',
    '?sslmode=verify-full',
    `?sslmode=verify-full&sslrootcert=${ca}`,
    '?application_name=x',
  ]) {
    assert.deepEqual(faultsOf({ DATABASE_URL: DATABASE_URL + parameters }), [], parameters)
  }
})

test('a mode that does not verify whom it speaks to is a fault that says which ones are taken', () => {
  for (const mode of ['allow', 'prefer', 'require', 'verify-ca', 'no-verify', 'VERIFY-FULL', '', 'x']) {
    assert.deepEqual(faultsOf({ DATABASE_URL: `${DATABASE_URL}?sslmode=${mode}` }), [
      'DATABASE_URL: expected `sslmode` to be `disable` or `verify-full`',
    ])
  }
  for (const mode of ['require', 'prefer', 'no-verify', 'verify-ca']) {
    assert.deepEqual(faultsOf({ ...parts, DATABASE_SSLMODE: mode }), [
      'DATABASE_SSLMODE: expected one of `disable`, `verify-full`',
    ])
  }
})

test('no other parameter of a URL decides about TLS', () => {
  for (const parameters of [
    'ssl=true',
    'ssl=0',
    'sslmode=verify-full&sslcert=/x',
    'sslmode=verify-full&sslkey=/x',
    'sslnegotiation=direct',
    'sslmode=verify-full&uselibpqcompat=true&ssl=1',
  ]) {
    assert.deepEqual(faultsOf({ DATABASE_URL: `${DATABASE_URL}?${parameters}` }), [
      'DATABASE_URL: expected no parameters about TLS but `sslmode` and `sslrootcert`',
    ])
  }
})

test('authorities without verification, or in a file that cannot be read, are a fault', () => {
  const ca = fileWith('a certificate')
  assert.deepEqual(faultsOf({ DATABASE_URL: `${DATABASE_URL}?sslrootcert=${ca}` }), [
    'DATABASE_URL: expected `sslrootcert` only with `sslmode=verify-full`',
  ])
  assert.deepEqual(faultsOf({ DATABASE_URL: `${DATABASE_URL}?sslmode=verify-full&sslrootcert=${ca}x` }), [
    'DATABASE_URL: expected `sslrootcert` to be a readable file',
  ])
  assert.deepEqual(faultsOf({ ...parts, DATABASE_SSLROOTCERT: ca }), [
    'DATABASE_SSLROOTCERT: expected to be set together with DATABASE_SSLMODE=verify-full',
  ])
  assert.deepEqual(faultsOf({ ...parts, DATABASE_SSLMODE: 'verify-full', DATABASE_SSLROOTCERT: `${ca}x` }), [
    'DATABASE_SSLROOTCERT: expected the path of a readable file',
  ])
  assert.deepEqual(faultsOf({ ...parts, DATABASE_SSLMODE: 'verify-full', DATABASE_SSLROOTCERT: ca }), [])
})

test('variables about TLS that belong to DATABASE_HOST are never quietly ignored', () => {
  for (const others of [{}, { DATABASE_URL }]) {
    assert.deepEqual(faultsOf({ ...others, DATABASE_SSLMODE: 'verify-full' }), [
      'DATABASE_SSLMODE: expected to be set together with DATABASE_HOST; DATABASE_URL has parameters for it',
    ])
  }
})

test('the process ends with 78, and neither the URL nor its password is shown', async () => {
  const { code, stdout, stderr } = await runService({ DATABASE_URL: `${DATABASE_URL}?sslmode=require` })
  assert.equal(code, 78)
  assert.equal(stdout, '')
  assert.match(stderr, /^ {2}DATABASE_URL: expected `sslmode` to be `disable` or `verify-full`$/m)
  assert.doesNotMatch(stderr, /hunter2|db\.internal|require/)
})
