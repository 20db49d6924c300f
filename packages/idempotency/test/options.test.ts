import { memoryAdapter } from '@holdfast/adapter/memory'
import { createIdempotency, type IdempotencyOptions } from '@holdfast/idempotency'
import { type IdempotencyMiddlewareOptions, idempotency as onExpress } from '@holdfast/idempotency/express'
import { idempotency as onKoa } from '@holdfast/idempotency/koa'
import { idempotency as onNode } from '@holdfast/idempotency/node'
import { expect, it } from '@jest/globals'

const adapter = memoryAdapter()

it.each<[unknown, string]>([
  [undefined, 'The options of createIdempotency must be an object, got undefined'],
  [{}, 'adapter is missing: give memoryAdapter() or redisAdapter({ url })'],
  [
    { adapter: 'redis' },
    'adapter must be memoryAdapter(), redisAdapter({ url }), or of a client redisAdapter({ client }), got a string',
  ],
  [{ adapter, name: 1 }, 'name must be a string, got 1'],
  [{ adapter, leaseMs: 0 }, 'leaseMs must be a whole number from 1 to 31622400000, got 0'],
  [{ adapter, retentionMs: Number.POSITIVE_INFINITY }, 'retentionMs must be a whole number from 1 to 31622400000, got Infinity'],
  [{ adapter, inProgress: 'queue' }, "inProgress must be 'reject' or 'wait', got \"queue\""],
  [{ adapter, inProgress: 'wait', waitMs: '5s' }, 'waitMs must be a whole number from 1 to 31622400000, got "5s"'],
  [{ adapter, waitMs: 1_000 }, "waitMs is for inProgress: 'wait'"],
  [{ adapter, maxBytes: -1 }, 'maxBytes must be a whole number from 0 to 536870912, got -1'],
  [{ adapter, failure: 'local' }, "failure must be 'open' or 'closed', got \"local\""],
  [{ adapter, codec: JSON }, 'codec must have encode and decode'],
  [{ adapter, ttl: 5 }, 'Unknown option "ttl" of createIdempotency: there are adapter, name,'],
])('refuses the options %p of the engine', (options, message) => {
  expect(() => createIdempotency(options as IdempotencyOptions)).toThrow(message)
})

it.each<[object, string]>([
  [{ scope: undefined }, "scope must be a function that gives the user or tenant of a request, or 'public' where all clients"],
  [{ scope: 'user' }, 'scope must be a function that gives the user or tenant of a request'],
  [{ adapter: undefined }, 'adapter is missing'],
  [{ header: 'Idempotency Key' }, 'Header name must be a valid HTTP token'],
  [{ header: 1 }, 'header must be a string, got 1'],
  [{ methods: 'POST' }, 'methods must be a list of methods, got "POST"'],
  [{ methods: [] }, 'methods must be a list of methods, got '],
  [{ methods: ['post'] }, 'A method must be in capitals, such as POST, got "post"'],
  [{ required: 'yes' }, 'required must be true or false, got "yes"'],
  [{ strict: 1 }, 'strict must be true or false, got 1'],
  [{ replayCookies: null }, 'replayCookies must be true or false, got null'],
  [{ maxKeyLength: 0 }, 'maxKeyLength must be a whole number from 1 to 8192, got 0'],
  [{ maxBodyBytes: 1.5 }, 'maxBodyBytes must be a whole number from 0 to 536870912, got 1.5'],
  [{ abandonedMs: -1 }, 'abandonedMs must be a whole number from 0 to 31622400000, got -1'],
  [{ fingerprint: 'body' }, 'fingerprint must be a function, got "body"'],
  [{ store: 200 }, 'store must be a function, got 200'],
  [{ skip: true }, 'skip must be a function, got true'],
  [{ docs: 'not a <URL>' }, 'docs must be a URL, got "not a <URL>"'],
  [{ codec: JSON }, 'Unknown option "codec" of idempotency: there are adapter, name,'],
])('refuses the options %p of the middleware', (options, message) => {
  const given = { adapter, scope: 'public', ...options } as IdempotencyMiddlewareOptions<unknown>
  for (const make of [onExpress, onKoa, onNode]) expect(() => make(given)).toThrow(message)
})
