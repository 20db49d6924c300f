import { memoryAdapter } from '@holdfast/adapter/memory'
import { fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter, type Decision, type PolicyOptions } from '@holdfast/rate-limit'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseList, serializeList } from 'structured-headers'
import type { Dialect } from '../src/headers/dialect.ts'
import { type DialectName, dialectsOf } from '../src/headers/dialects.ts'
import { definePolicies } from '../src/policy.ts'

type Fields = Record<string, string>

const start = Date.UTC(2025, 5, 1)

function fieldsOf(dialects: readonly Dialect[], decision: Decision, partitionKey?: Uint8Array): Fields {
  const fields: Fields = {}
  const exchange = {
    setHeader(name: string, value: string) {
      fields[name] = value
    },
  }
  for (const dialect of dialects) dialect(exchange, decision, partitionKey, { policies: '', quotas: '' })
  return fields
}

describe('a decision in every dialect', () => {
  const five = { name: 'five', limit: 5, windowMs: 10_000 }

  async function told(headers: DialectName | readonly DialectName[], policies: readonly PolicyOptions[], ...afterMs: number[]) {
    const clock = fakeClock(start)
    const limiter = createRateLimiter({ adapter: memoryAdapter({ now: clock.now }), policies })
    let fields: Fields = {}
    for (const ms of afterMs) {
      clock.advance(ms)
      fields = fieldsOf(dialectsOf(headers, limiter.policies, clock.now), await limiter.consume('key'))
    }
    return fields
  }

  it('is what its specification shows', async () => {
    expect(await told('draft', [five], 0)).toEqual({ 'RateLimit-Policy': '"five";q=5;w=10', RateLimit: '"five";r=4;t=10' })
    expect(await told('draft-7', [five], 0)).toEqual({
      'RateLimit-Policy': '5;w=10',
      RateLimit: 'limit=5, remaining=4, reset=10',
    })
    expect(await told('draft-6', [five], 0)).toEqual({
      'RateLimit-Policy': '5;w=10',
      'RateLimit-Limit': '5',
      'RateLimit-Remaining': '4',
      'RateLimit-Reset': '10',
    })
    expect(await told('legacy', [five], 1)).toEqual({
      'X-RateLimit-Limit': '5',
      'X-RateLimit-Remaining': '4',
      'X-RateLimit-Reset': String(start / 1_000 + 11), // 10.001 s later, rounded up
    })
  })

  it('says no number that a structured field cannot hold', async () => {
    const most = { name: 'most', limit: Number.MAX_SAFE_INTEGER, windowMs: 10_000 }
    expect(await told('draft-7', [most], 0)).toMatchObject({
      'RateLimit-Policy': '999999999999999;w=10',
      RateLimit: 'limit=999999999999999, remaining=999999999999999, reset=10',
    })
    expect(await told('draft-6', [most], 0)).toMatchObject({ 'RateLimit-Limit': '999999999999999' })
  })

  it('tells when there is one unit more, and in the older ones when the quota is whole', async () => {
    expect(await told('draft', [five], 0, 3_000)).toMatchObject({ RateLimit: '"five";r=3;t=7' })
    expect(await told('draft-7', [five], 0, 3_000)).toMatchObject({ RateLimit: 'limit=5, remaining=3, reset=10' })
  })

  it('tells in the older ones of the policy with the fewest units left, never of slots beside a rate', async () => {
    const policies: PolicyOptions[] = [
      five,
      { name: 'few', limit: 3, windowMs: 60_000 },
      { name: 'slots', limit: 2, algorithm: 'concurrency' },
      { name: 'tried', limit: 1, windowMs: 1_000, shadow: true },
    ]
    expect(await told('draft-7', policies, 0)).toEqual({
      'RateLimit-Policy': '3;w=60',
      RateLimit: 'limit=3, remaining=2, reset=60',
    })
    expect(await told('draft-6', [{ name: 'slots', limit: 2, algorithm: 'concurrency' }], 0)).toMatchObject({
      'RateLimit-Policy': '2',
      'RateLimit-Remaining': '1',
    })
  })

  it('comes in several at once, where the newer one has the fields that they share', async () => {
    expect(await told(['legacy', 'draft', 'draft-6'], [five], 0)).toEqual({
      'RateLimit-Policy': '"five";q=5;w=10',
      RateLimit: '"five";r=4;t=10',
      'RateLimit-Limit': '5',
      'RateLimit-Remaining': '4',
      'RateLimit-Reset': '10',
      'X-RateLimit-Limit': '5',
      'X-RateLimit-Remaining': '4',
      'X-RateLimit-Reset': String(start / 1_000 + 10),
    })
  })

  it.each([[['draft', 'draft-7']], [[]], ['rfc'], [['draft', 'rfc']], [true]])('is refused as %j', (headers) => {
    expect(() => dialectsOf(Object(headers), definePolicies([five]), () => start)).toThrow(RangeError)
  })

  it('names the unit of a quota of bytes', async () => {
    expect(await told('draft', [{ ...five, unit: 'content-bytes' }], 0)).toMatchObject({
      'RateLimit-Policy': '"five";q=5;w=10;qu="content-bytes"',
    })
  })
})

describe('the fields of the draft', () => {
  const name = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), minLength: 1 })
  const policy = fc.record({
    name,
    limit: fc.oneof(fc.nat(), fc.maxSafeNat()),
    windowMs: fc.integer({ min: 1, max: 10_000_000 }),
    unit: fc.constantFrom('requests' as const, 'content-bytes' as const),
    shadow: fc.boolean(),
  })

  it('are structured fields in their canonical form, and say what was decided', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(policy, { selector: (each) => each.name, minLength: 1, maxLength: 4 }),
        fc.array(fc.record({ remaining: fc.maxSafeNat(), nextMs: fc.nat() }), { minLength: 4, maxLength: 4 }),
        fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined }),
        fc.boolean(),
        (options, left, partitionKey, hasOwnLimits) => {
          const policies = definePolicies(options)
          const decided = policies.map(({ name, limit }, index) => {
            const { remaining, nextMs } = left[index] ?? { remaining: 0, nextMs: 0 }
            return { name, limit: hasOwnLimits ? 7 : limit, remaining, nextMs, fullMs: nextMs, violated: false }
          })
          const decision: Decision = { ...ALLOWED, policies: decided }
          const fields = fieldsOf(dialectsOf('draft', policies, Date.now), decision, partitionKey)
          const told = decided.filter((_, index) => policies[index]?.shadow === false)
          if (told.length === 0) return expect(fields).toEqual({})
          const [policyList, limitList] = ['RateLimit-Policy', 'RateLimit'].map((field) => {
            const parsed = parseList(fields[field] ?? '')
            expect(serializeList(parsed)).toBe(fields[field])
            return parsed
          })
          const most = 999_999_999_999_999
          for (const [index, { name, limit, remaining, nextMs }] of told.entries()) {
            const [policyName, quota = new Map()] = policyList?.[index] ?? []
            const [limitName, available = new Map()] = limitList?.[index] ?? []
            expect([policyName, limitName]).toEqual([name, name])
            expect(quota.get('q')).toBe(Math.min(limit, most))
            expect(available.get('r')).toBe(Math.min(remaining, most))
            expect(available.get('t')).toBe(nextMs === 0 ? undefined : Math.ceil(nextMs / 1_000))
            for (const parameters of [quota, available]) {
              const pk = parameters.get('pk')
              expect(pk instanceof ArrayBuffer ? new Uint8Array(pk) : pk).toEqual(partitionKey)
            }
          }
        },
      ),
    )
  })
})

const ALLOWED = { allowed: true, retryAfterMs: 0, violated: [], blocked: false, source: 'adapter', receipt: undefined } as const
