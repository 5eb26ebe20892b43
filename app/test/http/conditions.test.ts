import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import { AppError } from '../../src/domain/errors.ts'
import { fulfils } from '../../src/domain/item.ts'
import { etagOf, ifVersionOf, isNotModified } from '../../src/http/conditions.ts'

/** Whether a write with these headers may go ahead when the item's version is `current`, 0 for an absent one. */
async function allows(headers: IncomingHttpHeaders, current: number): Promise<boolean> {
  return fulfils(await ifVersionOf(headers, async () => current), current)
}

function isFaultAt(pointer: string) {
  return (error: AppError) =>
    error instanceof AppError && error.code === 'invalid_field' && error.errors?.[0]?.pointer === pointer
}

test('a write without conditions expects nothing', async () => {
  assert.ok(await allows({}, 0))
  assert.ok(await allows({}, 7))
})

for (const { ifMatch, current, allowed } of [
  { ifMatch: '"7"', current: 7, allowed: true },
  { ifMatch: '"7"', current: 8, allowed: false },
  { ifMatch: '"7"', current: 0, allowed: false },
  { ifMatch: '"6", "7"', current: 7, allowed: true },
  { ifMatch: '"6" ,"8"', current: 7, allowed: false },
  { ifMatch: '"6","8"', current: 0, allowed: false },
  { ifMatch: '*', current: 7, allowed: true },
  { ifMatch: ' * ', current: 7, allowed: true },
  { ifMatch: '*', current: 0, allowed: false },
  // RFC 9110, section 13.1.1: If-Match compares strongly, and a weak tag is never strongly equal.
  { ifMatch: 'W/"7"', current: 7, allowed: false },
  { ifMatch: '"07"', current: 7, allowed: false },
  { ifMatch: '"7 "', current: 7, allowed: undefined },
  { ifMatch: '"0"', current: 0, allowed: false },
  { ifMatch: '"-1"', current: 0, allowed: false },
  { ifMatch: '"other"', current: 7, allowed: false },
  { ifMatch: '7', current: 7, allowed: undefined },
  { ifMatch: '"7', current: 7, allowed: undefined },
  { ifMatch: '', current: 7, allowed: undefined },
  { ifMatch: '"7" "8"', current: 7, allowed: undefined },
  // RFC 9110, sections 8.8.3 and 5.6.1.2: a tag may hold a comma, and a list may have empty elements.
  { ifMatch: '"a,b", "7"', current: 7, allowed: true },
  { ifMatch: '"7",', current: 7, allowed: true },
  { ifMatch: '"6",, "7"', current: 7, allowed: true },
]) {
  const verdict = allowed === undefined ? 'is not valid' : allowed ? 'lets the write through' : 'refuses'
  test(`If-Match: ${ifMatch} with the version at ${current} ${verdict}`, async () => {
    const answer = allows({ 'if-match': ifMatch }, current)
    if (allowed === undefined) await assert.rejects(answer, isFaultAt('/If-Match'))
    else assert.equal(await answer, allowed)
  })
}

test('a single tag never asks for the current version, so that the store alone decides', async () => {
  const ask = () => assert.fail('asked')
  for (const ifMatch of ['"7"', '*', 'W/"7"']) await ifVersionOf({ 'if-match': ifMatch }, ask)
})

test('If-None-Match: * on a write asks for creation; nothing else can be asked for', async () => {
  assert.ok(await allows({ 'if-none-match': '*' }, 0))
  assert.ok(!(await allows({ 'if-none-match': '*' }, 7)))
  await assert.rejects(allows({ 'if-none-match': '"7"' }, 0), isFaultAt('/If-None-Match'))
  await assert.rejects(allows({ 'if-none-match': '*', 'if-match': '*' }, 0), isFaultAt('/If-None-Match'))
})

for (const { ifNoneMatch, notModified } of [
  { ifNoneMatch: undefined, notModified: false },
  { ifNoneMatch: '"7"', notModified: true },
  { ifNoneMatch: 'W/"7"', notModified: true },
  { ifNoneMatch: '"6", W/"7"', notModified: true },
  { ifNoneMatch: '*', notModified: true },
  { ifNoneMatch: '"77"', notModified: false },
  { ifNoneMatch: '"6","8"', notModified: false },
]) {
  test(`a read of version 7 with If-None-Match: ${ifNoneMatch} is ${notModified ? '' : 'not '}a 304`, () => {
    assert.equal(isNotModified(ifNoneMatch, 7), notModified)
  })
}

test('an ETag is the version in quotes', () => {
  assert.equal(etagOf(7), '"7"')
})
