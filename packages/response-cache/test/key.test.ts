import { expect, it } from '@jest/globals'
import { createKeyOf } from '../src/key.ts'

it.each([
  ['the host and the URL as sent', {}, 'Shop.Example', '/a?b=1&a=2', 'shop.example/a?b=1&a=2'],
  ['no fragment', {}, 'shop', '/a?b=1#c', 'shop/a?b=1'],
  ['the host of an absolute target', {}, 'other', 'http://Shop/a', 'shop/a'],
  ['a path for a target that has none', {}, '', 'https://shop', 'shop/'],
  ['parameters in order, those of one name as sent', { sort: true }, 'shop', '/a?b=2&a=1&b=1', 'shop/a?a=1&b=2&b=1'],
  ['no ignored parameters', { ignore: ['utm_*', 'sid'] }, 'shop', '/a?utm_source=x&q=1&sid=3&sid2=4', 'shop/a?q=1&sid2=4'],
  ['nothing of a query that is ignored whole', { ignore: ['*'] }, 'shop', '/a?x=1', 'shop/a'],
  ['parameters by their names without escapes', { ignore: ['a b'] }, 'shop', '/?a%20b=1&a+b=2&c%zz=3', 'shop/?c%zz=3'],
])('has %s', (_, options, host, url, key) => {
  expect(createKeyOf(options)(host, url)).toBe(key)
})
