import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createPolicy, type PolicyOptions } from '../src/policy.ts'
import { initialAge } from '../src/rfc/age.ts'
import { directivesIn, msOf } from '../src/rfc/cache-control.ts'
import { isNotModified } from '../src/rfc/conditional.ts'
import { fieldsOf } from '../src/rfc/fields.ts'
import { merged } from '../src/rfc/headers.ts'
import { httpDate } from '../src/rfc/http-date.ts'
import { reuseOf } from '../src/rfc/reuse.ts'
import { decoded, encoded, type StoredResponse } from '../src/stored.ts'

const NOW = Date.UTC(2026, 5, 1)
const SOME: PolicyOptions = { mode: 'rfc', ttlMs: undefined, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, statuses: undefined }
const date = (seconds: number): string => new Date(NOW + seconds * 1_000).toUTCString()

function verdict(
  rawHeaders: readonly string[],
  { status = 200, authorized = false, ...options }: Partial<PolicyOptions & { status: number; authorized: boolean }> = {},
) {
  const policy = createPolicy({ ...SOME, ...options })
  return policy({ status, rawHeaders, requestedAt: NOW, respondedAt: NOW, authorized, said: undefined, read: undefined })
}

function freshMs(...arguments_: Parameters<typeof verdict>): number | string {
  const found = verdict(...arguments_)
  return 'times' in found ? found.times.freshMs - found.times.ageMs : found.refusal
}

describe('directives: RFC 9111, section 5.2', () => {
  it.each([
    ['max-age=60, Public', { 'max-age': '60', public: '' }],
    ['MAX-AGE="60"', { 'max-age': '60' }],
    ['no-cache="set-cookie, x", a', { 'no-cache': 'set-cookie, x', a: '' }],
    ['a="b, max-age=9", max-age=1', { a: 'b, max-age=9', 'max-age': '1' }],
    ['max-age=1, max-age=2', { 'max-age': '1' }],
    [' , ,private,', { private: '' }],
    ['max-age =60, a', { a: '' }],
    ['', {}],
  ])('of %s', (field, directives) => {
    expect(Object.fromEntries(directivesIn(field))).toEqual(directives)
  })

  it.each([
    ['60', 60_000],
    ['0060', 60_000],
    ['99999999999', 2 ** 31 * 1_000],
    ['-1', 0],
    ['6.5', 0],
    ['x', 0],
    ['', 0],
  ])('with %s seconds', (value, ms) => {
    expect(msOf(new Map([['max-age', value]]), 'max-age')).toBe(ms)
  })

  it('never fail, and never loop', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), (field) => directivesIn(field).size <= field.length))
  })
})

describe('dates: RFC 9110, section 5.6.7', () => {
  it.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', 784_111_777_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 784_111_777_000],
    ['Sun Nov  6 08:49:37 1994', 784_111_777_000],
    ['sun, 06 nov 1994 08:49:37 gmt', 784_111_777_000],
    ['Sunday, 06-Nov-75 08:49:37 GMT', Date.UTC(2075, 10, 6, 8, 49, 37)],
    ['Sunday, 06-Nov-77 08:49:37 GMT', Date.UTC(1977, 10, 6, 8, 49, 37)],
    ['Sun, 06 Nov 94 08:49:37 GMT', undefined],
    ['Sun, 06 Nov 1994 08:49:37 UTC', undefined],
    ['Sun, 06 Nov 1994 8:49:37 GMT', undefined],
    ['Sun, 06 Foo 1994 08:49:37 GMT', undefined],
    ['Sun, 06 Nov 1994 24:00:00 GMT', undefined],
    ['Sun, 31 Feb 2027 08:49:37 GMT', undefined],
    ['Sun, 99 Nov 2026 08:49:37 GMT', undefined],
    ['Thu, 29 Feb 2024 23:59:60 GMT', Date.UTC(2024, 2, 1)],
    ['0', undefined],
  ])('%s', (field, moment) => {
    expect(httpDate(field, NOW)).toBe(moment)
  })
})

describe('age: RFC 9111, section 4.2.3', () => {
  it.each([
    [['Age', '10'], 10_000],
    [['Age', '10, 20'], 10_000],
    [['Age', '10', 'Age', '20'], 10_000],
    [['Age', 'x, 20'], 0],
    [['Age', '-1'], 0],
    [['Age', '1.5'], 0],
    [['Date', date(-30)], 30_000],
    [['Date', date(30)], 0],
    [['Date', date(-30), 'Age', '40'], 40_000],
  ])('of %j', (raw, ms) => {
    expect(initialAge(fieldsOf(raw), { requestedAt: NOW, respondedAt: NOW })).toBe(ms)
  })

  it('counts the time that the response took', () => {
    expect(initialAge(fieldsOf(['Age', '10']), { requestedAt: NOW - 5_000, respondedAt: NOW })).toBe(15_000)
  })
})

describe('freshness: RFC 9111, section 4.2.1, and RFC 9213', () => {
  it.each([
    [['Cache-Control', 'max-age=60'], 60_000],
    [['Cache-Control', 'max-age=60, s-maxage=10'], 10_000],
    [['Cache-Control', 'max-age=60', 'Expires', date(-10)], 60_000],
    [['Cache-Control', 'max-age=0', 'Expires', date(100)], 'no-freshness'],
    [['Expires', date(100), 'Date', date(0)], 100_000],
    [['Expires', date(100), 'Date', date(-20)], 100_000],
    [['Expires', date(100), 'Expires', date(100)], 'no-freshness'],
    [['Expires', '0'], 'no-freshness'],
    [['CDN-Cache-Control', 'max-age=30', 'Cache-Control', 'no-store'], 30_000],
    [['CDN-Cache-Control', 'max-age="30"', 'Cache-Control', 'max-age=60'], 60_000],
    [['CDN-Cache-Control', '&&', 'Cache-Control', 'max-age=60'], 60_000],
    [['CDN-Cache-Control', 'no-store', 'Cache-Control', 'max-age=60'], 'no-store'],
    [['Cache-Control', 'no-store, must-understand, max-age=60'], 60_000],
    [['Cache-Control', 'private="x-a", max-age=60'], 60_000],
    [['CDN-Cache-Control', 'max-age=30', 'Cache-Control', 'max-age=60; private'], 30_000],
    [['Cache-Control', 'max-age=60, x="; private"'], 60_000],
    [['Cache-Control', 'max-age=60, x-private, private-x'], 60_000],
    [['Cache-Control', 'max-age=60', 'Cache-Control', 'x; Private'], 'private'],
    [['Cache-Control', 'private; max-age=60'], 'private'],
    [['Cache-Control', 'max-age=60, private=true'], 'private'],
    [['Cache-Control', 'private="x-a", private, max-age=60'], 'private'],
    [['Cache-Control', 'max-age=60 no-store'], 'no-store'],
    [['Cache-Control', 'max-age=60, x="private'], 60_000],
    [['Cache-Control', 'max-age=60', 'Vary', 'Accept; Origin'], 'vary-star'],
  ])('of %j', (raw, expected) => {
    expect(freshMs(raw, { mode: 'app' })).toBe(expected)
  })

  it('is a tenth of the time since the last change in mode rfc, for statuses that allow it', () => {
    const raw = ['Last-Modified', date(-1_000), 'Date', date(0)]
    expect(freshMs(raw)).toBe(100_000)
    expect(freshMs(raw, { mode: 'app' })).toBe('no-freshness')
    expect(freshMs(raw, { status: 404 })).toBe(100_000)
    expect(freshMs(raw, { status: 403 })).toBe(0)
    expect(freshMs([...raw, 'Cache-Control', 'public'], { status: 599 })).toBe(100_000)
  })

  it('is none for an answer about the range that one client asked for', () => {
    expect(freshMs(['Cache-Control', 'max-age=60'], { status: 416 })).toBe('status')
  })

  it.each([
    ['max-age=60', { staleMs: 30_000, neverStale: false }],
    ['max-age=60, stale-while-revalidate=5', { staleMs: 5_000, neverStale: false }],
    ['max-age=60, must-revalidate', { staleMs: 30_000, neverStale: true }],
    ['max-age=60, proxy-revalidate', { staleMs: 30_000, neverStale: true }],
    ['s-maxage=60', { staleMs: 0, neverStale: true }],
    ['s-maxage=60, stale-while-revalidate=5', { staleMs: 5_000, neverStale: false }],
  ])('may be over with %s, or not', (control, times) => {
    expect(verdict(['Cache-Control', control], { staleWhileRevalidateMs: 30_000 })).toMatchObject({ times })
  })
})

describe('reuse: RFC 9111, section 4.2', () => {
  const times = {
    respondedAt: NOW,
    ageMs: 10_000,
    freshMs: 60_000,
    staleMs: 20_000,
    errorMs: 40_000,
    alwaysValidate: false,
    neverStale: false,
  }
  const state = (afterMs: number, control = '', more = {}) =>
    reuseOf({ ...times, ...more }, NOW + afterMs, directivesIn(control)).state

  it('goes by age, to the millisecond', () => {
    expect([0, 49_999, 50_000, 69_999, 70_000].map((ms) => state(ms))).toEqual(['fresh', 'fresh', 'stale', 'stale', 'validate'])
    expect(reuseOf(times, NOW + 89_999)).toMatchObject({ state: 'validate', ifError: true })
    expect(reuseOf(times, NOW + 90_000)).toMatchObject({ state: 'validate', ifError: false })
  })

  it('takes a clock that has stepped back for one that stands', () => {
    expect(reuseOf(times, NOW - 5_000)).toEqual({ state: 'fresh', ageMs: 10_000, ttlMs: 50_000 })
  })

  it('serves nothing stale that must be validated', () => {
    expect(state(50_000, 'max-stale', { neverStale: true })).toBe('validate')
    expect(state(0, '', { alwaysValidate: true })).toBe('validate')
  })

  it.each([
    [0, 'no-cache', 'validate'],
    [0, 'max-age=10', 'fresh'],
    [1, 'max-age=10', 'validate'],
    [0, 'min-fresh=50', 'fresh'],
    [1, 'min-fresh=50', 'validate'],
    [80_000, 'max-stale=30', 'stale'],
    [80_001, 'max-stale=30', 'validate'],
    [10_000_000, 'max-stale', 'stale'],
  ])('after %i ms goes by a request that says %s: %s', (ms, control, expected) => {
    expect(state(ms, control)).toBe(expected)
  })
})

describe('a 304: RFC 9111, sections 3.2 and 4.3.4', () => {
  it.each([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"x", "a,b" ,"y"', '"a,b"', true],
    ['"x","a","y"', '"a"', true],
    ['"x", "a,b"', '"b"', false],
    ['a', 'a', true],
    ['', '"a"', false],
  ])('is what a client with %s gets of %s: %s', (tags, etag, expected) => {
    expect(isNotModified({ 'if-none-match': tags }, 200, fieldsOf(['ETag', etag]))).toBe(expected)
  })

  it('changes the fields that it has, but for those of the body', () => {
    const stored = ['ETag', '"1"', 'X-A', '1', 'X-A', '2', 'Content-Length', '4', 'X-B', '3']
    const update = ['etag', '"1"', 'x-a', '9', 'Content-Length', '0', 'X-C', '5']
    expect(merged(stored, update)).toEqual(['Content-Length', '4', 'X-B', '3', 'etag', '"1"', 'x-a', '9', 'X-C', '5'])
  })
})

describe('a stored response', () => {
  const WHOLE: StoredResponse = {
    kind: 'response',
    status: 200,
    rawHeaders: ['A', '1'],
    body: Buffer.from('x'),
    respondedAt: 0,
    ageMs: 0,
    freshMs: 0,
    staleMs: 0,
    errorMs: 0,
    alwaysValidate: false,
    neverStale: false,
  }
  const codes = fc.integer({ min: 32, max: 255 }).filter((code) => code !== 127)
  const latin1 = fc.string({ unit: codes.map((code) => String.fromCharCode(code)) })
  const responses = fc.record({
    kind: fc.constant('response' as const),
    status: fc.integer({ min: 200, max: 599 }),
    rawHeaders: fc.array(fc.tuple(fc.constantFrom('ETag', 'X-A'), latin1)).map((pairs) => pairs.flat()),
    respondedAt: fc.integer({ min: 0 }),
    ageMs: fc.nat(),
    freshMs: fc.nat(),
    staleMs: fc.nat(),
    errorMs: fc.nat(),
    alwaysValidate: fc.boolean(),
    neverStale: fc.boolean(),
    body: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  })

  it('comes back as it was, byte for byte', () => {
    fc.assert(fc.property(responses, (response: StoredResponse) => expect(decoded(encoded(response))).toEqual(response)))
  })

  it('is none when it is cut short, or of another version', () => {
    const bytes = encoded(WHOLE)
    expect(decoded(bytes.subarray(0, 40))).toBeUndefined()
    expect(decoded(bytes.subarray(0, 50))).toBeUndefined()
    expect(decoded(Buffer.from([99, 1, 2]))).toBeUndefined()
    expect(decoded(Buffer.alloc(0))).toBeUndefined()
  })

  it.each([
    ['a status that is none', { status: 16 }],
    ['a name that is none', { rawHeaders: ['X A', '1'] }],
    ['a value that is none', { rawHeaders: ['A', '1\r'] }],
    ['a name without a value', { rawHeaders: ['A', '1', 'B'] }],
  ])('is none with %s', (_, broken) => {
    expect(decoded(encoded({ ...WHOLE, ...broken }))).toBeUndefined()
  })
})
