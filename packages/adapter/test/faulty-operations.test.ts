import { defineOperation, type Operation, type RedisArgument } from '@holdfast/adapter'
import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'

const url = sharedRedisUrl()
const inspector = new Redis(url)
afterAll(() => inspector.disconnect())

const prefix = ownPrefix()
const adapter = redisAdapter({ url, prefix })
afterAll(() => adapter.close())
const fault = { name: 'OperationError', code: 'ERR_HOLDFAST_OPERATION' }

/** An operation of this Lua, whose arguments are what its caller gives. */
function faulty(lua: string): Operation<undefined, RedisArgument[], number> {
  return defineOperation({
    name: 'test.faulty',
    step: () => ({ result: 1 }),
    lua,
    encode: (args) => args,
    decode: ([result]) => Number(result),
    keys: (key) => [`${key}:further`],
  })
}

describe('a fault in an operation is no outage', () => {
  it('where its Lua returns no table: beside it, other steps of its batch have their results', async () => {
    const absent = faulty("if ARGV[1] == '1' then return { 1 } end")
    const asked = ['1', '2', '1'].map((arg, at) => adapter.run(absent, `{absent}${at}`, [arg]))
    const [first, second, third] = await Promise.allSettled(asked)
    expect([first, third]).toEqual(Array(2).fill({ status: 'fulfilled', value: 1 }))
    expect(second).toMatchObject({
      reason: { ...fault, message: expect.stringContaining('returns nil: a reply is a flat array') },
    })
  })

  it.each(["'text'", 'true', '5'])('where it returns %s', async (value) => {
    await expect(adapter.run(faulty(`return ${value}`), '{text}', [])).rejects.toMatchObject(fault)
  })

  it.each([undefined, null, true, 1n, [], {}, new Uint8Array(1)])('where it encodes %p', async (arg) => {
    const encoded = ['', arg] as RedisArgument[] // as JavaScript gives it
    const call = adapter.run(faulty('return { 1 }'), '{encoded}', encoded)
    await expect(call).rejects.toMatchObject({ ...fault, message: expect.stringContaining('as argument 2') })
    expect(await adapter.run(faulty('return { 1 }'), '{encoded}', [])).toBe(1)
  })

  it('where it encodes more arguments than a client can send; as many as may be arrive', async () => {
    const count = faulty('return { #ARGV }')
    const most = Array<string>(32_768).fill('')
    expect(await adapter.run(count, '{count}', most, { timeoutMs: 10_000 })).toBe(32_768)
    await expect(adapter.run(count, '{count}', [...most, ''])).rejects.toMatchObject(fault)
  })
})

describe('a step that fails leaves no key without an end', () => {
  it.each(['1.5', '1e300', '0/0', 'math.huge'])('by a ttlMs of %s', async (ttl) => {
    await expect(adapter.run(faulty(`write(${ttl}, 'a', 1) return { 1 }`), '{t}', [])).rejects.toMatchObject(fault)
    expect(await inspector.exists(`${prefix}{t}`)).toBe(0)
  })

  it('in a further key, which gets its end with the state', async () => {
    const lua = "redis.call('APPEND', KEYS[2], 'a') error('on purpose')"
    await expect(adapter.run(faulty(lua), '{f}', [])).rejects.toThrow('on purpose')
    expect(await inspector.exists(`${prefix}{f}:further`)).toBe(0)
  })

  it('and drops no key of another program', async () => {
    await inspector.set(`${prefix}{o}`, 'theirs')
    await expect(adapter.run(faulty("write(1000, 'a', 1) return { 1 }"), '{o}', [])).rejects.toMatchObject({
      name: 'AdapterWrongTypeError',
    })
    expect(await inspector.get(`${prefix}{o}`)).toBe('theirs')
  })
})
