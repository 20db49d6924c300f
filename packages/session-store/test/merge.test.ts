import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { merge, type SessionRecord } from '../src/merge.ts'

const keys = fc.constantFrom('a', 'b', '__proto__', 'constructor', '0')
const { record } = fc.letrec<{ record: SessionRecord; value: unknown }>((tie) => ({
  record: fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  value: fc.oneof({ maxDepth: 2 }, fc.constantFrom(1, 'x', null, true, [], [1], {}), tie('record')),
}))
const text = (value: unknown): string => JSON.stringify(value)
const copy = (value: SessionRecord): SessionRecord => JSON.parse(text(value)) as SessionRecord

describe('merge', () => {
  it('keeps what only one of the two has changed, whoever it was', () => {
    fc.assert(
      fc.property(record, record, (base, changed) => {
        expect(merge(base, changed, base)).toEqual(changed)
        expect(merge(base, base, changed)).toEqual(changed)
        expect(merge(base, changed, copy(changed))).toEqual(changed)
      }),
    )
  })

  it('keeps the changes of both where they are of different keys, whoever merges', () => {
    fc.assert(
      fc.property(record, fc.jsonValue(), fc.jsonValue(), (base, one, other) => {
        const [mine, theirs] = [
          { ...base, mine: one },
          { ...base, theirs: other },
        ]
        expect(merge(base, mine, theirs)).toEqual({ ...base, mine: one, theirs: other })
        expect(merge(base, theirs, mine)).toEqual({ ...base, mine: one, theirs: other })
      }),
    )
  })

  it('changes nothing that it is given, and no prototype', () => {
    fc.assert(
      fc.property(record, record, record, (base, mine, theirs) => {
        const before = [base, mine, theirs].map(text)
        const merged = merge(base, mine, theirs)
        expect([base, mine, theirs].map(text)).toEqual(before)
        expect(Reflect.getPrototypeOf(merged)).toBe(Object.prototype)
      }),
    )
  })

  it.each([
    ['untouched by me: theirs', { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }],
    ['untouched by me, deleted by them', { a: 1 }, { a: 1 }, {}, {}],
    ['deleted by me, changed by them', { a: 1 }, {}, { a: 2 }, {}],
    ['changed by both: mine', { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }],
    ['changed by me, deleted by them', { a: 1 }, { a: 2 }, {}, { a: 2 }],
    ['objects, merged inside', { a: { x: 1, y: 1 } }, { a: { x: 2, y: 1 } }, { a: { x: 1, y: 2 } }, { a: { x: 2, y: 2 } }],
    ['objects that both have made', {}, { a: { x: 1 } }, { a: { y: 1 } }, { a: { x: 1, y: 1 } }],
    ['lists are values', { a: [1] }, { a: [1, 2] }, { a: [1, 3] }, { a: [1, 2] }],
    ['an empty list stays one', { a: [] }, { a: [], b: 1 }, { a: [], c: 1 }, { a: [], b: 1, c: 1 }],
  ])('%s', (_, base, mine, theirs, merged) => {
    expect(merge(base, mine, theirs)).toEqual(merged)
  })
})
