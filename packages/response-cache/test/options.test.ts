import { memoryAdapter } from '@holdfast/adapter/memory'
import { expect, it } from '@jest/globals'
import { cacheFor, responseCache } from '../src/express.ts'
import { createResponseCache } from '../src/index.ts'

const adapter = memoryAdapter()

const wrong: [string, object, string][] = [
  ['no adapter', {}, 'adapter is missing: give memoryAdapter() or redisAdapter({ url })'],
  [
    'an unknown option',
    { adapter, ttl: 1 },
    'Unknown option "ttl" of responseCache: there are adapter, name, query, timeoutMs, near, loadLeaseMs, ttlMs,',
  ],
  ['a ttlMs of 0', { adapter, ttlMs: 0 }, 'ttlMs must be a whole number from 1 to'],
  ['an endless ttlMs', { adapter, ttlMs: Number.POSITIVE_INFINITY }, 'ttlMs must be a whole number from 1 to'],
  ['a negative stale period', { adapter, staleIfErrorMs: -1 }, 'staleIfErrorMs must be a whole number from 0 to'],
  ['another mode', { adapter, mode: 'strict' }, `mode must be 'app' or 'rfc', got "strict"`],
  ['another method', { adapter, methods: ['POST'] }, `methods must be 'GET' or 'HEAD', got "POST"`],
  ['a status that is none', { adapter, statuses: [99] }, 'statuses must be from 200 to 599, got 99'],
  [
    'a field name that is none',
    { adapter, vary: ['Accept Language'] },
    'vary must have names of request fields, got "Accept Language"',
  ],
  ['a field name in the place of a list', { adapter, vary: 'Accept' }, 'vary must be a list, got "Accept"'],
  ['a status in the place of a list', { adapter, statuses: 200 }, 'statuses must be a list, got 200'],
  ['a key that is no function', { adapter, key: 'url' }, 'key must be a function, got "url"'],
  ['a name for Cache-Status that is none', { adapter, cacheStatus: 'my cache' }, 'cacheStatus must be a token, or false'],
  ['an unknown query option', { adapter, query: { sorted: true } }, 'Unknown option "sorted" of query: there are sort, ignore'],
  ['a cache that is none', { cache: {} }, 'cache must be made by createResponseCache'],
  [
    'a cache and what makes one',
    { cache: createResponseCache({ adapter }), adapter },
    'Unknown option "adapter" of responseCache',
  ],
  ['a failure policy that it has not', { adapter, failure: 'local' }, `failure must be 'open' or 'closed', got "local"`],
]

it.each(wrong)('refuses %s', (_, options, message) => {
  expect(() => responseCache(options as Parameters<typeof responseCache>[0])).toThrow(message) // what types forbid
})

it('refuses what cacheFor does not know, or what is no time', () => {
  const response = {} as Parameters<typeof cacheFor>[0] // it is only written on
  expect(() => cacheFor(response, { ttl: 1 } as object)).toThrow('Unknown option "ttl" of cacheFor')
  expect(() => cacheFor(response, { ttlMs: 0.5 })).toThrow('ttlMs must be a whole number of at least 0, got 0.5')
  expect(() => cacheFor(response, 60 as never)).toThrow('The options of cacheFor must be an object, got 60')
  expect(() => cacheFor(response, { tags: 'product:7' } as object)).toThrow('tags must be a list of strings, got "product:7"')
})
