import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { serializeItem } from 'structured-headers'
import { keyOf } from '../src/key.ts'

function keyIn(values: readonly string[], { strict = false, maxKeyLength = 255 } = {}): unknown {
  const headers = values.length === 0 ? {} : { 'idempotency-key': values.join(', ') }
  const rawHeaders = values.flatMap((value) => ['Idempotency-KEY', value])
  const request = { headers, rawHeaders: ['Host', 'a', ...rawHeaders] } as unknown as IncomingMessage // all that it looks at
  return keyOf(request, { header: 'idempotency-key', strict, maxKeyLength })
}

const INVALID = { state: 'invalid', why: expect.any(String) }

describe.each([true, false])('a key, where strict is %s,', (strict) => {
  it.each([
    ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"a \\"quoted\\" \\\\ key"', 'a "quoted" \\ key'],
    ['"key"; a=1;b="x"', 'key'],
    ['"a, b"', 'a, b'],
    ['"sess:victim"', 'sess:victim'],
    ['"../../x"', '../../x'],
  ])('is %s', (value, key) => {
    expect(keyIn([value], { strict })).toEqual({ state: 'given', key })
  })

  it.each([
    [''],
    ['""'],
    ['"unended'],
    ['"a" "b"'],
    ['"a", "b"'],
    ['a, b'],
    ['("a" "b")'],
    ['"a\\n"'],
    ['"ü"'],
    ['a b'],
    ['"a";'],
    ['a;;'],
  ])('is not %s', (value) => {
    expect(keyIn([value], { strict })).toEqual(INVALID)
  })

  it('is not on two lines, nor cut in two', () => {
    expect(keyIn(['"a"', '"b"'], { strict })).toEqual(INVALID)
    expect(keyIn(['"a"', '"a"'], { strict })).toEqual(INVALID)
    expect(keyIn(['"a', 'b"'], { strict })).toEqual(INVALID)
  })

  it('is missing', () => {
    expect(keyIn([], { strict })).toEqual({ state: 'missing' })
  })

  it('is any string that can be written', () => {
    const ascii = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 })
    fc.assert(
      fc.property(ascii, (key) => {
        expect(keyIn([serializeItem([key, new Map()])], { strict })).toEqual({ state: 'given', key })
      }),
    )
  })

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(keyIn([value], { strict })).toMatchObject({ state: expect.stringMatching(/^(given|invalid)$/) })
      }),
    )
  })

  it('is as long as it may be', () => {
    expect(keyIn([`"${'x'.repeat(255)}"`], { strict })).toMatchObject({ state: 'given' })
    expect(keyIn([`"${'x'.repeat(256)}"`], { strict })).toEqual({ state: 'invalid', why: 'it is longer than 255 characters' })
    expect(keyIn(['"xx"'], { strict, maxKeyLength: 1 })).toEqual(INVALID)
  })
})

it.each([
  ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['sess:victim', 'sess:victim'],
  ['../../x', '../../x'],
  ['YWJjZA==', 'YWJjZA=='],
  ['token;a=1', 'token'],
  ['8e03;a=1', '8e03'],
  ["o'key", "o'key"],
  ['?1', '?1'],
])('takes %s for a key only where it is not strict', (value, key) => {
  expect(keyIn([value])).toEqual({ state: 'given', key })
  expect(keyIn([value], { strict: true })).toEqual(INVALID)
})
