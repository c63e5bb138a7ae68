import { describe, expect, test } from 'vitest'
import { bucketPath, objectPath, query } from './s3.ts'
import { partSize } from './upload.ts'

describe('paths', () => {
  test('keep the slashes of a key and encode the rest', () => {
    expect(objectPath('notes', 'a b/ü+%/c?d#e')).toBe('/notes/a%20b/%C3%BC%2B%25/c%3Fd%23e')
    expect(objectPath('notes', 'a//b/')).toBe('/notes/a//b/')
    expect(bucketPath('my.bucket')).toBe('/my.bucket')
  })

  test('refuse what a browser would make another path of', () => {
    expect(() => objectPath('notes', '../other/secret')).toThrow('resolve its dots')
    expect(() => objectPath('notes', 'a/./b')).toThrow('resolve its dots')
    expect(objectPath('notes', '..a/b..')).toBe('/notes/..a/b..')
  })

  test('have parameters without values for what S3 calls sub-resources', () => {
    expect(query({ versions: '', prefix: 'a/b c' })).toBe('?versions=&prefix=a%2Fb+c')
  })
})

test('parts are as large as 10,000 of them need', () => {
  expect(partSize(17 << 20)).toBe(16 << 20)
  expect(partSize(5 * 1024 ** 4) * 10_000).toBeGreaterThanOrEqual(5 * 1024 ** 4)
})
