import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing, fakeClock } from '@holdfast/adapter/testing'
import { createIdempotency, type IdempotencyOptions } from '@holdfast/idempotency'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { deferred, published, until } from './stage.ts'

eachAdapter((makeAdapter) => {
  function make(options: Partial<IdempotencyOptions> = {}) {
    const clock = fakeClock(1_750_000_000_000)
    const adapter = makeAdapter(clock.now)
    return { clock, adapter, ...createIdempotency({ adapter, ...options }) }
  }

  it('runs once for five callers at once, and gives the value to those who come later', async () => {
    const { run } = make()
    const working = deferred<Date>()
    let count = 0
    const calls = [1, 2, 3, 4, 5].map(() =>
      run('order:42', 'charge 5', () => {
        count += 1
        return working.promise
      }),
    )
    let refused = 0
    for (const call of calls) void call.then(() => (refused += 1))
    await until(() => refused === 4)
    expect(await Promise.race(calls)).toEqual({ state: 'in-progress', retryAfterMs: 10_000 })
    const value = new Date(0)
    working.resolve(value)
    const results = await Promise.all(calls)
    expect(results.filter(({ state }) => state === 'completed')).toEqual([{ state: 'completed', value, replayed: false }])
    expect(await run('order:42', 'charge 5', () => new Date(1))).toEqual({ state: 'completed', value, replayed: true })
    expect(await run('order:42', 'charge 6', () => new Date(1))).toEqual({ state: 'mismatch' })
    expect(count).toBe(1)
  })

  it('gives the same value to those who wait', async () => {
    const { run } = make({ inProgress: 'wait' })
    const calls = [1, 2, 3].map((value) => run('order:42', '', async () => ({ value: BigInt(value) })))
    const results = await Promise.all(calls)
    expect(results.filter((result) => result.state === 'completed' && result.replayed)).toHaveLength(2)
    expect(new Set(results.map((result) => result.state === 'completed' && result.value.value)).size).toBe(1)
  })

  it('frees the key of a function that throws, and tells the next which attempt it is', async () => {
    const { run } = make()
    const seen: unknown[] = []
    const failure = new Error('on purpose')
    await expect(
      run('order:42', '', ({ key, attempt, fence, signal }) => {
        seen.push(key, attempt, fence, signal.aborted)
        throw failure
      }),
    ).rejects.toBe(failure)
    await run('order:42', 'other', ({ attempt, fence = 0 }) => {
      seen.push(attempt)
      expect(fence).toBeGreaterThan(Number(seen[2]))
    })
    expect(seen).toEqual(['order:42', 1, expect.any(Number), false, 2])
  })

  it('keeps undefined, null and bytes for what they are', async () => {
    const { run } = make()
    for (const [index, value] of [undefined, null, 0, '', Buffer.from([0, 255]), new Map([['a', [1n]]])].entries()) {
      const key = `key ${index}`
      await run(key, '', () => value)
      const replayed = await run<unknown>(key, '', () => 'another')
      expect(replayed).toEqual({ state: 'completed', value, replayed: true })
    }
  })

  it('does not run again what was too large or cannot be encoded, and says so', async () => {
    const { run, cancel } = make({ maxBytes: 100 })
    const large = 'x'.repeat(100)
    expect(await run('large', '', () => large)).toEqual({ state: 'completed', value: large, replayed: false })
    await expect(run('large', '', () => 'another')).rejects.toMatchObject({
      code: 'ERR_HOLDFAST_UNREPLAYABLE',
      key: 'large',
      message: expect.stringContaining('larger than maxBytes'),
    })
    const failures = await published('holdfast.idempotency.failure', () => run('function', '', () => () => 1))
    expect(failures).toMatchObject([{ name: 'default', key: 'function', call: 'encode' }])
    await expect(run('function', '', () => 1)).rejects.toMatchObject({ message: expect.stringContaining('could not be encoded') })
    const strings = make(Object({ codec: { encode: JSON.stringify, decode: JSON.parse } }))
    expect(await strings.run('string', '', () => 1)).toMatchObject({ value: 1 })
    await expect(strings.run('string', '', () => 1)).rejects.toThrow('could not be encoded')
    expect(await cancel('large')).toBe(true)
    expect(await run('large', '', () => 'small')).toEqual({ state: 'completed', value: 'small', replayed: false })
  })

  it('frees a key that is asked to be, once, and a run that is going on keeps nothing', async () => {
    const { run, cancel } = make()
    expect(await cancel('key')).toBe(false)
    await run('key', '', () => 1)
    expect(await cancel('key')).toBe(true)
    expect(await cancel('key')).toBe(false)
    const working = deferred()
    const running = run('key', '', async () => {
      working.resolve()
      expect(await cancel('key')).toBe(true)
      return 2
    })
    await working.promise
    expect(await running).toEqual({ state: 'completed', value: 2, replayed: false })
    expect(await run('key', '', ({ attempt }) => attempt)).toMatchObject({ value: 3, replayed: false })
  })

  it('gives what stands where a run was freed, and another has ended before it', async () => {
    const { run, cancel } = make()
    const result = await run('key', '', async () => {
      await cancel('key')
      await run('key', '', () => 'second')
      return 'first'
    })
    expect(result).toEqual({ state: 'completed', value: 'second', replayed: true })
  })

  it('keeps names apart', async () => {
    const { adapter, run } = make({ name: 'a' })
    const other = createIdempotency({ adapter, name: 'b' })
    await run('key', '', () => 1)
    expect(await other.run('key', 'another', () => 2)).toMatchObject({ value: 2 })
    await expect(run('', '', () => 1)).rejects.toThrow('key must be a string that is not empty, got ""')
    const unnamed = Reflect.apply(run, undefined, ['key', undefined, () => 1])
    await expect(unnamed).rejects.toThrow('fingerprint must be a string, got undefined')
    await expect(Reflect.apply(run, undefined, [42n, '', () => 1])).rejects.toThrow(
      'key must be a string that is not empty, got 42',
    )
  })

  it('tells what is still at work of a function that has thrown, before another runs', async () => {
    const { run } = make()
    const order: string[] = []
    const first = run('key', '', ({ signal }) => {
      signal.addEventListener('abort', () => order.push(String(Reflect.get(Object(signal.reason), 'code'))))
      return Promise.all([new Promise(() => {}), Promise.reject(new Error('one of them, on purpose'))])
    })
    await expect(first).rejects.toThrow('one of them, on purpose')
    await run('key', '', ({ attempt, signal }) => order.push(`attempt ${attempt}, aborted: ${signal.aborted}`))
    expect(order).toEqual(['ERR_HOLDFAST_RUN_LOST', 'attempt 2, aborted: false'])
  })

  it('begins nothing without a function', async () => {
    const { run } = make()
    await expect(Reflect.apply(run, undefined, ['key', ''])).rejects.toThrow('fn must be a function, got undefined')
    expect(await run('key', '', ({ attempt }) => attempt)).toMatchObject({ value: 1 })
  })

  it('tells fingerprints apart that are no text', async () => {
    const { run } = make()
    await run('key', '\ud83d', () => 1)
    expect(await run('key', '\ud83c', () => 2)).toEqual({ state: 'mismatch' })
    expect(await run('key', '\ud83d', () => 2)).toMatchObject({ value: 1, replayed: true })
  })

  it('tells what became of each call', async () => {
    const { run } = make({ name: 'orders' })
    const events = await published('holdfast.idempotency', async () => {
      await run('key', '', () => run('key', '', () => 2))
      await run('key', '', () => 1)
      await run('key', 'other', () => 1)
    })
    expect(events).toEqual(
      ['run', 'in-progress', 'replay', 'mismatch'].map((outcome) => ({ name: 'orders', key: 'key', outcome })),
    )
  })

  it('runs nothing while the adapter fails, or everything where it is told so', async () => {
    const adapter = failing(makeAdapter())
    const { run } = createIdempotency({ adapter })
    await expect(run('key', '', () => 1)).rejects.toMatchObject({ code: 'ERR_HOLDFAST_ADAPTER_UNAVAILABLE' })
    const open = createIdempotency({ adapter, failure: 'open' })
    const failures = await published('holdfast.idempotency.failure', async () => {
      expect(await open.run('key', '', ({ attempt, fence }) => [attempt, fence])).toEqual({
        state: 'completed',
        value: [1, undefined],
        replayed: false,
      })
    })
    expect(failures).toMatchObject([{ call: 'begin' }])
  })

  it('gives the value also when it cannot be kept', async () => {
    const adapter = failing(makeAdapter())
    adapter.recover()
    const { run } = createIdempotency({ adapter })
    const result = await run('key', '', () => {
      adapter.fail()
      return 1
    })
    expect(result).toEqual({ state: 'completed', value: 1, replayed: false })
  })
})

it('does not run again what a memory adapter has no room for', async () => {
  const { run } = createIdempotency({ adapter: memoryAdapter({ maxBytes: 100 }), leaseMs: 60_000 })
  const failures = await published('holdfast.idempotency.failure', async () => {
    expect(await run('key', '', () => 'x'.repeat(100))).toMatchObject({ state: 'completed', replayed: false })
  })
  expect(failures).toMatchObject([{ call: 'commit', error: { name: 'AdapterFullError' } }])
  await expect(run('key', '', () => 'again')).rejects.toMatchObject({ code: 'ERR_HOLDFAST_UNREPLAYABLE' })
})
