import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/domain/errors.ts'
import { feedCursor, idOfCursor, listCursor, parseFeedCursor } from '../../src/http/cursors.ts'

const feed = { feedId: '1f0c-9a', position: 123_456_789_012_345 }

/** Text that no answer has given, and some that other parts of the API have. */
const foreign = [
  '',
  'a',
  '!!!',
  '7',
  Buffer.from('id:').toString('base64url'),
  Buffer.from('id:ä/ö').toString('base64url'),
  Buffer.from(`id:${'a'.repeat(201)}`).toString('base64url'),
  Buffer.from('feed:1f0c:-1').toString('base64url'),
  Buffer.from('feed:1f0c:1e9').toString('base64url'),
  Buffer.from('feed:1f0c:1\n').toString('base64url'),
  Buffer.from('feed::1').toString('base64url'),
  Buffer.from('feed:<script>:1').toString('base64url'),
  Buffer.from('feed:1f0c:9999999999999999').toString('base64url'),
]

function isFaultAt(pointer: string) {
  return (error: AppError) =>
    error instanceof AppError && error.code === 'invalid_field' && error.errors?.[0]?.pointer === pointer
}

test('a list cursor gives back its id, whichever characters it is made of', () => {
  for (const id of ['1', 'a.b_c~d:e@f-g', 'id:', 'Z'.repeat(200)])
    assert.equal(idOfCursor(listCursor(id)), id)
})

test('a feed cursor gives back its feed and position', () => {
  assert.deepEqual(parseFeedCursor(feedCursor(feed), '/after'), feed)
  assert.deepEqual(parseFeedCursor(feedCursor({ ...feed, position: 0 }), '/after').position, 0)
})

test('a cursor can be put into a URL and into a header as it is', () => {
  for (const cursor of [listCursor('~:@'), feedCursor(feed)]) assert.match(cursor, /^[A-Za-z0-9_-]+$/)
})

test('what is not a cursor is refused with a pointer to where it was given', () => {
  for (const cursor of foreign) {
    assert.throws(() => idOfCursor(cursor), isFaultAt('/cursor'), cursor)
    assert.throws(() => parseFeedCursor(cursor, '/Last-Event-ID'), isFaultAt('/Last-Event-ID'), cursor)
  }
})

test('a cursor of the list is none of the feed, and the other way round', () => {
  assert.throws(() => parseFeedCursor(listCursor('1'), '/after'), isFaultAt('/after'))
  assert.throws(() => idOfCursor(feedCursor(feed)), isFaultAt('/cursor'))
})
