import { expect, it } from '@jest/globals'
import { createKeyOf } from '../src/key.ts'
import { variantOf } from '../src/rfc/vary.ts'

it.each([
  ['the host and the URL as sent', {}, 'Shop.Example', '/a?b=1&a=2', 'shop.example/a?b=1&a=2'],
  ['no fragment of a URL', {}, undefined, 'https://shop/a?b=1#c', 'shop/a?b=1'],
  ['the fragment that a client has sent, which handlers see', {}, 'shop', '/a?b=1#c', 'shop/a?b=1#c'],
  ['the host of an absolute target', {}, 'shop', 'http://Shop/a', 'shop/a'],
  ['another Host than that of an absolute target, which handlers see', {}, 'Evil', 'http://Shop/a', 'shop evil/a'],
  ['that there is no Host beside that of an absolute target', {}, '', 'http://shop/a', 'shop /a'],
  ['no path in a Host', {}, 'shop/a', '/b', 'shop%2Fa/b'],
  ['a path for a target that has none', {}, undefined, 'https://shop', 'shop/'],
  ['parameters in order, those of one name as sent', { sort: true }, 'shop', '/a?b=2&a=1&b=1', 'shop/a?a=1&b=2&b=1'],
  ['no ignored parameters', { ignore: ['utm_*', 'sid'] }, 'shop', '/a?utm_source=x&q=1&sid=3&sid2=4', 'shop/a?q=1&sid2=4'],
  ['nothing of a query that is ignored whole', { ignore: ['*'] }, 'shop', '/a?x=1', 'shop/a'],
  ['parameters by their names without escapes', { ignore: ['a b'] }, 'shop', '/?a%20b=1&a+b=2&c%zz=3', 'shop/?c%zz=3'],
])('has %s', (_, options, host, url, key) => {
  expect(createKeyOf(options)(host, url)).toBe(key)
})

it('takes no time for a field that is all space', () => {
  const started = performance.now()
  for (let at = 0; at < 50; at += 1) {
    variantOf({ 'accept-encoding': `gzip${' '.repeat(15_000)}br` }, ['accept-encoding'], { anyOrder: false })
  }
  expect(performance.now() - started).toBeLessThan(1_000) // it takes some milliseconds
})

it('takes little time for a query whose names cannot be decoded', () => {
  const query = Array.from({ length: 3_500 }, (_, index) => `%z${(index * 31) % 97}`).join('&')
  const started = performance.now()
  for (let at = 0; at < 5; at += 1) createKeyOf({ sort: true })('shop', `/?${query}`)
  expect(performance.now() - started).toBeLessThan(700) // it takes a tenth of that
})

it('selects alike by fields that differ in space about their separators', () => {
  const [one, other, third] = ['a ,b; c = 1', ' a, b;c=1 ', 'a,b;c=2'].map((field) =>
    variantOf({ 'x-a': field }, ['x-a'], { anyOrder: false }),
  )
  expect(one).toBe(other)
  expect(one).not.toBe(third)
})
