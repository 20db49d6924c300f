import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { canonical } from '../src/canonical.ts'

it('is the same whatever the order of keys, and parses to the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const parsed: unknown = JSON.parse(JSON.stringify(value))
      expect(canonical(reversed(parsed))).toBe(canonical(parsed))
      expect(JSON.parse(canonical(parsed))).toEqual(parsed)
    }),
  )
})

it('tells apart what differs', () => {
  const values = [
    null,
    0,
    '0',
    '',
    [],
    {},
    [[]],
    [{}],
    { a: null },
    { a: [] },
    { a: 1, b: 2 },
    { a: 12 },
    [1, 2],
    [12],
    'null',
    '{}',
    ...[JSON.parse('1e400'), Number.NEGATIVE_INFINITY, Number.NaN, 'Infinity'],
  ]
  expect(new Set(values.map((value) => canonical(value))).size).toBe(values.length)
})

it('writes as RFC 8785 has it', () => {
  expect(canonical({ '€': 1e30, '\r': 4.5, '1': 0.002, ö: 'a\u000f\n\\"', '😀': [true, null], '\ufb33': -0 })).toBe(
    '{"\\r":4.5,"1":0.002,"ö":"a\\u000f\\n\\\\\\"","€":1e+30,"😀":[true,null],"\ufb33":0}',
  )
})

it('takes what parsers make beside JSON', () => {
  const body = Object.assign(Object.create(null), { at: new Date(0), big: 10n, nothing: undefined, fn: () => 1 })
  expect(canonical(body)).toBe('{"at":"1970-01-01T00:00:00.000Z","big":10,"fn":null}')
  expect(canonical({ form: new URLSearchParams('a=1&a=2'), map: new Map([['b', new Set([3])]]) })).toBe(
    '{"form":[["a","1"],["a","2"]],"map":[["b",[3]]]}',
  )
  expect(canonical(JSON.parse('{"__proto__":{"a":1},"constructor":2}'))).toBe('{"__proto__":{"a":1},"constructor":2}')
})

it('refuses what is nested too deep, or in a circle', () => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
  expect(canonical(nested(1_000))).toHaveLength(2_000)
  for (const levels of [1_001, 50_000]) expect(() => canonical(nested(levels))).toThrow('Nested more than 1000 deep')
  const circle: { self?: unknown } = {}
  circle.self = circle
  expect(() => canonical(circle)).toThrow('Nested more than 1000 deep')
  const knot: unknown[] = [] // as YAML writes it: &knot [*knot, *knot]
  knot.push(knot, knot)
  expect(() => canonical({ knot })).toThrow('Nested more than 1000 deep, or in a circle')
  const shared = { a: [1] }
  expect(canonical([shared, { b: shared }, shared])).toBe('[{"a":[1]},{"b":{"a":[1]}},{"a":[1]}]')
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  )
}
