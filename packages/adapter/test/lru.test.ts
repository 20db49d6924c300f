import { createLru } from '@holdfast/adapter/lru'
import { fakeClock } from '@holdfast/adapter/testing'
import { expect, it } from '@jest/globals'

it('keeps so many entries: the least recently used goes first', () => {
  const lru = createLru<number>({ maxEntries: 2 })
  lru.set('a', 1, 60_000)
  lru.set('b', 2, 60_000)
  lru.get('a')
  lru.set('c', 3, 60_000)
  expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.size]).toEqual([1, undefined, 3, 2])
})

it('keeps so many bytes, and nothing that is larger', () => {
  const lru = createLru<string>({ maxBytes: 1_000, sizeOf: ({ length }) => length })
  lru.set('a', 'x'.repeat(400), 60_000)
  lru.set('b', 'x'.repeat(400), 60_000)
  lru.set('c', 'x'.repeat(2_000), 60_000)
  expect([lru.has('a'), lru.has('b'), lru.has('c')]).toEqual([false, true, false])
})

it('ends an entry to the millisecond, and tells how long it has', () => {
  const clock = fakeClock()
  const lru = createLru<number>({ maxEntries: 10, now: clock.now })
  lru.set('a', 1, 50)
  clock.advance(49)
  expect([lru.get('a'), lru.remainingMs('a'), [...lru.keys()]]).toEqual([1, 1, ['a']])
  clock.advance(1)
  expect([lru.get('a'), lru.has('a'), lru.remainingMs('a'), [...lru.keys()]]).toEqual([undefined, false, 0, []])
  lru.set('b', 1, 50)
  lru.set('b', 2, 0)
  expect(lru.get('b')).toBeUndefined()
})

it('refuses bad options, and says what is allowed', () => {
  expect(() => createLru({ maxEntries: 0 })).toThrow('maxEntries must be a whole number of at least 1, got 0')
  expect(() => Reflect.apply(createLru, undefined, [{}])).toThrow('maxEntries or maxBytes is missing')
  expect(() => Reflect.apply(createLru, undefined, [{ maxBytes: 5 }])).toThrow('sizeOf is missing')
  const known = 'there are maxEntries, maxBytes, sizeOf, now'
  expect(() => Reflect.apply(createLru, undefined, [{ maxEntries: 5, ttl: 1 }])).toThrow(
    `Unknown option "ttl" of createLru: ${known}`,
  )
})
