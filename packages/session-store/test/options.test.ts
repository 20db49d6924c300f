import { memoryAdapter } from '@holdfast/adapter/memory'
import { sessionStore } from '@holdfast/session-store/express'
import { sessionStore as koaStore } from '@holdfast/session-store/koa'
import { expect, it } from '@jest/globals'
import session from 'express-session'

const adapter = memoryAdapter()
const SECRET = 'a secret of at least 16'

it.each<[options: object, message: string]>([
  [{ adapter: undefined }, 'adapter is missing'],
  [
    { adapter: {} },
    'adapter must be memoryAdapter(), redisAdapter({ url }), or of a client redisAdapter({ client }), got another object',
  ],
  [{ adapter: Promise.resolve(adapter) }, 'redisAdapter({ client }), got a promise'],
  [{ prefix: Promise.resolve('a') }, 'prefix must be a string, got a promise'],
  [{ prefix: 1 }, 'prefix must be a string, got 1'],
  [{ ttl: undefined, serializer: 5 }, 'serializer must have the functions parse and stringify'],
  [{ ttl: 1 }, 'Unknown option "ttl" of sessionStore: there are adapter, prefix, ttlMs,'],
  [{ ttlMs: Infinity }, 'ttlMs must be finite'],
  [{ ttlMs: 0 }, 'ttlMs must be a whole number from 1 to 1000000000000, got 0'],
  [{ ttlMs: '1d' }, 'got "1d"'],
  [{ absoluteMs: 1.5 }, 'absoluteMs must be a whole number'],
  [{ touchAfterMs: -1 }, 'touchAfterMs must be a whole number from 0'],
  [{ onConflict: 'throw' }, "onConflict must be 'merge', 'reject' or 'last-write-wins', got \"throw\""],
  [{ user: 'userId' }, 'user must be a function, got "userId"'],
  [{ maxPerUser: 3 }, 'maxPerUser needs user'],
  [{ describe: () => 1 }, 'describe needs user'],
  [{ user: () => 'a', maxPerUser: 0 }, 'maxPerUser must be a whole number from 1'],
  [{ user: () => 'a', onMax: 'evict' }, "onMax must be 'evict-oldest' or 'reject'"],
  [{ regenerateGraceMs: NaN }, 'regenerateGraceMs must be a whole number'],
  [{ hashIds: true }, 'hashIds must be a string, got boolean'],
  [{ hashIds: 'short' }, 'hashIds must have at least 16 characters, got 5'],
  [{ encryptionKeys: SECRET }, 'encryptionKeys must be a list, got string'],
  [{ encryptionKeys: [] }, 'encryptionKeys has no key'],
  [{ encryptionKeys: [SECRET, 'short'] }, 'encryptionKeys[1] must have at least 16 characters, got 5'],
  [{ serializer: {} }, 'serializer must have the functions parse and stringify'],
  [{ maxBytes: 0 }, 'maxBytes must be a whole number from 1'],
  [{ failure: 'local' }, "failure must be 'open' or 'closed', got \"local\""],
])('throws at construction for %p', (options, message) => {
  for (const make of [sessionStore, koaStore]) expect(() => make({ adapter, ...options })).toThrow(message)
})

it('shows no secret in what it says about one', () => {
  expect(() => sessionStore({ adapter, hashIds: 'tooshort' })).not.toThrow(/tooshort/)
})

it.each([NaN, 'soon', undefined])('rejects a write whose ttlMs says %p', async (ms) => {
  const store = sessionStore({ adapter, ttlMs: () => ms as number })
  await expect(store.set('id', { cookie: { originalMaxAge: null } })).rejects.toThrow('ttlMs must give a number of milliseconds')
})

it('rejects a write whose user is no text', async () => {
  const store = sessionStore({ adapter, user: () => ({}) as string })
  await expect(store.set('id', { cookie: { originalMaxAge: null } })).rejects.toThrow('user must give a string, got object')
})

it('is refused by the other session middleware, which would wait for it forever, and says what to import', () => {
  const options = { secret: SECRET, resave: false, saveUninitialized: false }
  expect(() => Reflect.apply(session, undefined, [{ ...options, store: koaStore({ adapter }) }])).toThrow(
    "for koa-session: for express-session import it from '@holdfast/session-store/express'",
  )
  const store = sessionStore({ adapter })
  expect(() => Reflect.apply(store.get, store, ['id', 86_400_000, { rolling: false }])).toThrow(
    "for koa-session import it from '@holdfast/session-store/koa'",
  )
})
