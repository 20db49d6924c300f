import { memoryAdapter } from '@holdfast/adapter/memory'
import { createIdempotency, type IdempotencyOptions } from '@holdfast/idempotency'
import { expect, it } from '@jest/globals'

const adapter = memoryAdapter()

it.each<[unknown, string]>([
  [undefined, 'options must be an object, got undefined'],
  [{}, 'adapter is missing: give memoryAdapter() or redisAdapter({ url })'],
  [{ adapter: 'redis' }, 'adapter is missing'],
  [{ adapter, name: 1 }, 'name must be a string, got 1'],
  [{ adapter, leaseMs: 0 }, 'leaseMs must be a whole number from 1 to 31622400000, got 0'],
  [{ adapter, retentionMs: Number.POSITIVE_INFINITY }, 'retentionMs must be a whole number from 1 to 31622400000, got Infinity'],
  [{ adapter, inProgress: 'queue' }, 'inProgress must be "reject" or "wait", got "queue"'],
  [{ adapter, inProgress: 'wait', waitMs: '5s' }, 'waitMs must be a whole number from 1 to 31622400000, got "5s"'],
  [{ adapter, waitMs: 1_000 }, "waitMs is for inProgress: 'wait'"],
  [{ adapter, maxBytes: -1 }, 'maxBytes must be a whole number from 0 to 536870912, got -1'],
  [{ adapter, failure: 'local' }, 'failure must be "open" or "closed", got "local"'],
  [{ adapter, codec: JSON }, 'codec must have encode and decode'],
  [{ adapter, ttl: 5 }, 'Unknown option ttl: there are adapter, name,'],
])('refuses the options %p of the engine', (options, message) => {
  expect(() => createIdempotency(options as IdempotencyOptions)).toThrow(message)
})
