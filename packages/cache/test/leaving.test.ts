import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { stage, until } from './stage.ts'

/** A caller who leaves before its value is there. */
eachAdapter((makeAdapter) => {
  const cacheOf = stage(makeAdapter)

  it('gets the reason of its signal, and the load goes on for the others, and is kept', async () => {
    const { cache, other } = cacheOf()
    const finish: ((value: string) => void)[] = []
    const signals: AbortSignal[] = []
    function slow({ signal }: { signal: AbortSignal }): Promise<string> {
      signals.push(signal)
      return new Promise((resolve) => finish.push(resolve))
    }
    const [leaving, staying] = [new AbortController(), new AbortController()]
    const left = cache.getOrSet('42', slow, { signal: leaving.signal })
    await until(() => finish.length > 0)
    const waiting = [
      cache.getOrSet('42', slow, { signal: staying.signal }),
      cache.getOrSet('42', slow),
      other.getOrSet('42', slow),
    ]
    const reason = new Error('the client has gone')
    leaving.abort(reason)
    await expect(left).rejects.toBe(reason)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    finish[0]?.('loaded')
    expect(await Promise.all(waiting)).toEqual(['loaded', 'loaded', 'loaded'])
    expect(await cache.get('42')).toBe('loaded')
    staying.abort()
    expect(await cache.getOrSet('42', slow, { signal: new AbortController().signal })).toBe('loaded')
  })

  it('has nothing loaded where it has left already, and hears no more of a load that fails later', async () => {
    const { cache } = cacheOf()
    const reason = new Error('the client has gone')
    let loads = 0
    function load(): string {
      loads += 1
      return `loaded ${loads}`
    }
    await expect(cache.getOrSet('42', load, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const leaving = new AbortController()
    const left = cache.getOrSet('42', load, { signal: leaving.signal })
    leaving.abort(reason) // while it is looked for
    await expect(left).rejects.toBe(reason)
    expect(await cache.get('42')).toBeUndefined()
    expect(loads).toBe(0)
    let fail: ((error: Error) => void) | undefined
    const gone = new AbortController()
    const failing = cache.getOrSet('42', () => new Promise((_resolve, reject) => (fail = reject)), { signal: gone.signal })
    await until(() => fail !== undefined)
    gone.abort(reason)
    await expect(failing).rejects.toBe(reason)
    fail?.(new Error('late'))
    while ((await cache.getOrSet('42', load).catch(() => undefined)) !== 'loaded 1') await new Promise(setImmediate)
  })

  it('is refused with a signal that is none, or where the signal would be of all calls', async () => {
    const { cache } = cacheOf()
    const given = Reflect.apply(cache.getOrSet, undefined, ['42', () => 'loaded', { signal: 5 }])
    await expect(given).rejects.toThrow('signal must be an AbortSignal, got 5')
    const wrapped = () => Reflect.apply(cache.wrap, undefined, [() => 'loaded', { signal: AbortSignal.abort() }])
    expect(wrapped).toThrow('Unknown option "signal" of a call')
  })
})
