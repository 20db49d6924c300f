import { acquire, acquireLease, extend, inboxOf, newToken, release } from '@holdfast/adapter/lease'
import { counting, failing, fakeClock } from '@holdfast/adapter/testing'
import { eachAdapter, heard } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'

const leaseMs = 60_000

// In real time: who waits is woken by events.
eachAdapter((makeAdapter) => {
  it('lets one in at a time: 50 workers read, wait and write a counter, and none is lost', async () => {
    const adapter = makeAdapter()
    let counter = 0
    let holders = 0
    const fences: number[] = []
    async function work(): Promise<void> {
      const lease = await acquireLease(adapter, '{counter}', { leaseMs, waitMs: 20_000 })
      if (lease === undefined) throw new Error('no turn in 20 seconds')
      expect(++holders).toBe(1)
      fences.push(lease.fence)
      const read = counter
      await adapter.get('something')
      counter = read + 1
      holders -= 1
      expect(await adapter.run(release, '{counter}', { token: lease.token })).toBe(true)
    }
    await Promise.all(Array.from({ length: 50 }, work))
    expect(counter).toBe(50)
    expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b))
  })

  it('serves a thousand who ask at once, each after the one before', async () => {
    const adapter = makeAdapter(fakeClock().now) // its clock stands still: on a busy machine nobody is late
    const served: number[] = []
    async function ask(place: number): Promise<void> {
      const lease = await acquireLease(adapter, '{thousand}', { leaseMs, waitMs: 60_000 })
      served.push(place)
      await adapter.run(release, '{thousand}', { token: lease?.token ?? '' })
    }
    await Promise.all(Array.from({ length: 1_000 }, (_, place) => ask(place)))
    expect(served).toEqual(Array.from({ length: 1_000 }, (_, place) => place))
  }, 60_000)

  it('keeps 1,000 places in line; who comes then has none, and only looks again', async () => {
    const adapter = makeAdapter()
    const tokens = Array.from({ length: 1_002 }, newToken)
    const ask = (token: string, wait: boolean) =>
      adapter.run(acquire, '{full}', { token, leaseMs, permits: 1, wait, address: 'inbox' })
    const asked = await Promise.all(tokens.map((token) => ask(token, true)))
    expect(asked.filter(({ state }) => state === 'held')).toHaveLength(1)
    expect(asked.at(-1)).toEqual({ state: 'waiting', retryInMs: 2_000 })
    await Promise.all(tokens.slice(0, -1).map((token) => adapter.run(release, '{full}', { token })))
    expect(await ask(newToken(), false)).toMatchObject({ state: 'held' })
  })

  it('serves who came first, woken by who was before, with a command or two a waiter', async () => {
    const adapter = counting(makeAdapter(fakeClock().now))
    await heard(adapter)
    const first = await acquireLease(adapter, '{line}', { leaseMs, waitMs: 1_000 })
    const order: number[] = []
    const wakes: number[] = []
    let releasedAt = 0
    async function waiter(place: number): Promise<void> {
      const lease = await acquireLease(adapter, '{line}', { leaseMs, waitMs: 20_000 })
      wakes.push(performance.now() - releasedAt)
      order.push(place)
      releasedAt = performance.now()
      await adapter.run(release, '{line}', { token: lease?.token ?? '' })
    }
    const waiting: Promise<void>[] = []
    for (let place = 0; place < 20; place += 1) {
      const before = adapter.counts.run
      waiting.push(waiter(place))
      while (adapter.counts.run === before) await new Promise(setImmediate)
    }
    adapter.reset()
    releasedAt = performance.now()
    await adapter.run(release, '{line}', { token: first?.token ?? '' })
    await Promise.all(waiting)
    expect(order).toEqual(Array.from({ length: 20 }, (_, place) => place))
    expect(wakes.toSorted((a, b) => a - b)[10]).toBeLessThan(500) // by an event: the next look of its own is a second later
    expect(adapter.calls).toBeLessThanOrEqual(1 + 20 * 2 + 20) // their releases, their claims, and a safety poll where it is slow
  })

  it('takes two commands where nobody is in the way, and none after an abort', async () => {
    const adapter = counting(makeAdapter())
    const lease = await acquireLease(adapter, '{k}', { leaseMs })
    expect(await adapter.run(release, '{k}', { token: lease?.token ?? '' })).toBe(true)
    expect(adapter.calls).toBe(2)
    const reason = new Error('the client has gone')
    await expect(acquireLease(adapter, '{k}', { leaseMs, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(adapter.calls).toBe(2)
  })

  it('leaves the line at the end of its patience and on an abort, and the next one gets the turn', async () => {
    const adapter = makeAdapter()
    const first = await acquireLease(adapter, '{k}', { leaseMs })
    const reason = new Error('the client has gone')
    const controller = new AbortController()
    const aborted = acquireLease(adapter, '{k}', { leaseMs, waitMs: 20_000, signal: controller.signal })
    const patient = acquireLease(adapter, '{k}', { leaseMs, waitMs: 20_000 })
    expect(await acquireLease(adapter, '{k}', { leaseMs, waitMs: 50 })).toBeUndefined()
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    await adapter.run(release, '{k}', { token: first?.token ?? '' })
    expect((await patient)?.fence).toBeGreaterThan(first?.fence ?? 0)
    expect(await acquireLease(adapter, '{k}', { leaseMs })).toBeUndefined()
  })

  it('gives its place in line back when it leaves, at the end of its patience or on an abort', async () => {
    const adapter = makeAdapter()
    const first = await acquireLease(adapter, '{k}', { leaseMs })
    const controller = new AbortController()
    const aborted = acquireLease(adapter, '{k}', { leaseMs, waitMs: 20_000, signal: controller.signal })
    expect(await acquireLease(adapter, '{k}', { leaseMs, waitMs: 50 })).toBeUndefined()
    controller.abort(new Error('the client has gone'))
    await expect(aborted).rejects.toThrow('the client has gone')
    await adapter.run(release, '{k}', { token: first?.token ?? '' })
    expect(await acquireLease(adapter, '{k}', { leaseMs })).toBeDefined() // who does not wait overtakes nobody
  })

  it('gives back a lease that comes after the abort, waited for or not', async () => {
    const adapter = makeAdapter()
    for (const waitMs of [0, 20_000]) {
      const controller = new AbortController()
      const asked = acquireLease(adapter, '{k}', { leaseMs, waitMs, signal: controller.signal })
      controller.abort(new Error('the client has gone')) // the step is on its way
      await expect(asked).rejects.toThrow('the client has gone')
      const next = await acquireLease(adapter, '{k}', { leaseMs })
      expect(await adapter.run(release, '{k}', { token: next?.token ?? '' })).toBe(true)
    }
  })

  it('shares permits: two at once, and not three', async () => {
    const adapter = makeAdapter()
    const leases = await Promise.all(Array.from({ length: 3 }, () => acquireLease(adapter, '{s}', { leaseMs, permits: 2 })))
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(2)
  })

  it('ends a lease at its end, skips who does not claim a turn, and never gives the turn to who is not in line', async () => {
    const clock = fakeClock(1_700_000_000_000)
    const adapter = makeAdapter(clock.now)
    const [ann, bob, cid, dan] = [newToken(), newToken(), newToken(), newToken()]
    const ask = (token: string, wait: boolean) =>
      adapter.run(acquire, '{k}', { token, leaseMs: 1_000, permits: 1, wait, address: 'inbox' })
    expect(await ask(ann, true)).toMatchObject({ state: 'held' })
    expect(await ask(bob, true)).toMatchObject({ state: 'waiting' })
    expect(await ask(cid, true)).toMatchObject({ state: 'waiting' })
    clock.advance(999)
    expect(await adapter.run(extend, '{k}', { token: ann, leaseMs: 1_000 })).toBe(true)
    clock.advance(1_000)
    expect(await adapter.run(extend, '{k}', { token: ann, leaseMs: 1_000 })).toBe(false)
    expect(await ask(dan, false)).toMatchObject({ state: 'busy' }) // bob is told here, and has a second
    clock.advance(1_000)
    expect(await ask(dan, false)).toMatchObject({ state: 'busy' })
    expect(await ask(cid, true)).toMatchObject({ state: 'held' })
    expect(await adapter.run(release, '{k}', { token: ann })).toBe(false)
  })

  it('gives greater fences, 1,000 times', async () => {
    const adapter = makeAdapter()
    let last = 0
    for (let round = 0; round < 1_000; round += 1) {
      const { token = '', fence = 0 } = (await acquireLease(adapter, '{k}', { leaseMs })) ?? {}
      expect(fence).toBeGreaterThan(last)
      last = fence
      await adapter.run(release, '{k}', { token })
    }
  })

  it('tells everybody who listens to one name, and nobody else', async () => {
    const adapter = makeAdapter()
    const inbox = inboxOf(adapter)
    const [one, other, stranger] = [inbox.listen('load'), inbox.listen('load'), inbox.listen('another')]
    await Promise.all([one, other, stranger].map((each) => each.wait(60_000))) // until the subscription stands
    const controller = new AbortController()
    const waits = [one, other].map((each) => each.wait(60_000))
    const strange = stranger.wait(60_000, { signal: controller.signal }).then(() => controller.signal.aborted)
    await adapter.events.publish(inbox.address, 'load')
    await Promise.all(waits)
    controller.abort()
    expect(await strange).toBe(true)
    for (const each of [one, other, stranger]) each.stop()
  })

  it('ends for who waits when the adapter is closed, at once and with its error', async () => {
    const adapter = makeAdapter()
    await heard(adapter)
    await acquireLease(adapter, '{k}', { leaseMs })
    const waiting = acquireLease(adapter, '{k}', { leaseMs, waitMs: 60_000 })
    await acquireLease(adapter, '{k}', { leaseMs }) // steps of one key keep their order: it is in line
    const closedAt = performance.now()
    await Promise.all([
      adapter.close(),
      expect(waiting).rejects.toMatchObject({
        code: 'ERR_HOLDFAST_ADAPTER_UNAVAILABLE',
        message: expect.stringMatching('was closed'),
      }),
    ])
    expect(performance.now() - closedAt).toBeLessThan(750) // its next look of its own is a second later
  })

  it('rejects at once when the adapter fails at the first call, and what is no lease', async () => {
    const adapter = failing(makeAdapter())
    await expect(acquireLease(adapter, '{k}', { leaseMs, waitMs: 5_000 })).rejects.toMatchObject({
      name: 'AdapterUnavailableError',
    })
    await expect(acquireLease(adapter, '{k}', { leaseMs: 0 })).rejects.toThrow('leaseMs must be a whole number')
    const ofNoSignal = Reflect.apply(acquireLease, undefined, [adapter, '{k}', { leaseMs, signal: 5 }])
    await expect(ofNoSignal).rejects.toThrow('signal must be an AbortSignal, got 5')
    await expect(acquireLease(adapter, '{k}', { leaseMs, permits: 0 })).rejects.toThrow('permits must be a whole number')
    await expect(acquireLease(adapter, '{k}', { leaseMs, waitMs: Number.NaN })).rejects.toThrow('waitMs must be at least 0')
  })
})
