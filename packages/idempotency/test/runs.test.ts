import { type Adapter, AdapterTimeoutError } from '@holdfast/adapter'
import { handClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import { type Begun, createRuns } from '../src/runs.ts'
import { begun, lose, published, stage } from './stage.ts'

const what = { subject: '{key}', key: 'key', fingerprint: 'one' }
const bytes = Buffer.from('answer')
const IN_PROGRESS = { state: 'in-progress', retryInMs: expect.any(Number) }
const ENDED = { state: 'ended', outcome: 'answer', bytes }

eachAdapter((makeAdapter) => {
  it('begins one of five, and gives its answer from then on, until the end of retention', async () => {
    const { clock, runs } = stage(makeAdapter)
    const asked = await Promise.all([1, 2, 3, 4, 5].map(() => runs.begin(what)))
    expect(asked.filter(({ state }) => state === 'in-progress')).toHaveLength(4)
    const run = asked.find((each) => each.state === 'begun')?.run
    expect(await run?.commit('answer', bytes)).toEqual({ state: 'committed' })
    expect(await runs.begin(what)).toEqual(ENDED)
    clock.advance(59_999)
    expect(await runs.begin(what)).toEqual(ENDED)
    clock.advance(1)
    expect(await begun(runs)).toMatchObject({ attempt: 1 })
  })

  it('says that a key is used for something else, while it runs and afterwards', async () => {
    const { clock, runs } = stage(makeAdapter)
    const run = await begun(runs)
    expect(await runs.begin({ ...what, fingerprint: 'other' })).toEqual({ state: 'mismatch' })
    await run.commit('answer', bytes)
    expect(await runs.begin({ ...what, fingerprint: 'other' })).toEqual({ state: 'mismatch' })
    clock.advance(60_000)
    await begun(runs)
    clock.advance(3_000) // as if it had died: what it has done may stand
    expect(await runs.begin({ ...what, fingerprint: 'other' })).toEqual({ state: 'mismatch' })
  })

  it('lets another begin exactly when the lease of a run that died is over, with the next attempt and a larger fence', async () => {
    const { clock, runs } = stage(makeAdapter)
    const first = await begun(runs)
    clock.advance(2_999)
    expect(await runs.begin(what)).toEqual({ state: 'in-progress', retryInMs: 1 })
    clock.advance(1)
    const second = await begun(runs)
    expect([first.attempt, second.attempt]).toEqual([1, 2])
    expect(second.fence).toBeGreaterThan(first.fence)
  })

  // In real time, some two seconds: it is given back once more by the clock of the process.
  it('is not kept from running by what a client sends when who waited has gone', async () => {
    const { adapter, alarms, runs } = stage(makeAdapter, { leaseMs: 3_600_000 })
    const first = await begun(runs)
    let calls = 0
    let sendLate = (): Promise<unknown> => Promise.resolve()
    const run: Adapter['run'] = async (...call) => {
      calls += 1
      if (calls !== 2) return adapter.run(...call)
      sendLate = () => adapter.run(...call)
      throw new AdapterTimeoutError('held back')
    }
    const options = { adapter, name: 'test', leaseMs: 3_600_000, retentionMs: 60_000, abandonedMs: 10_000 }
    const waiting = createRuns({ ...options, adapter: { ...adapter, run }, waitMs: 2_000, alarms }).begin(what)
    for (let ms = 0; ms < 2_500; ms += 250) {
      await adapter.get('{key}:nothing') // on the same connection: whatever was sent before is answered
      await alarms.advance(250)
    }
    expect(await waiting).toEqual(IN_PROGRESS)
    await first.cancel()
    await sendLate()
    const next = createRuns({ ...options, waitMs: 10_000 })
    expect(await next.begin(what)).toMatchObject({ state: 'begun', run: { attempt: 3 } })
  })

  it('runs nothing by an answer that comes after its lease', async () => {
    const { adapter, alarms, runs } = stage(makeAdapter)
    let isLate = true
    const run: Adapter['run'] = async (...call) => {
      const answer = await adapter.run(...call)
      if (isLate) {
        isLate = false
        await alarms.advance(3_000)
        await begun(runs)
      }
      return answer
    }
    const late = stage(makeAdapter, { adapter: { ...adapter, run }, alarms })
    expect(await late.runs.begin(what)).toEqual(IN_PROGRESS)
  })

  it('lets a clock that was set back delay nobody for longer than a lease', async () => {
    const { clock, runs } = stage(makeAdapter)
    await begun(runs)
    clock.advance(-50_000)
    expect(await runs.begin(what)).toEqual({ state: 'in-progress', retryInMs: 3_000 })
    clock.advance(3_000)
    expect(await begun(runs)).toMatchObject({ attempt: 2 })
  })

  it('keeps a run of ten minutes to itself', async () => {
    const { runs, pass } = stage(makeAdapter)
    const run = await begun(runs)
    for (let minutes = 0; minutes < 10; minutes += 1) {
      await pass(60_000)
      expect(await runs.begin(what)).toEqual(IN_PROGRESS)
    }
    expect(run.signal.aborted).toBe(false)
    expect(await run.commit('answer', bytes)).toEqual({ state: 'committed' })
  }, 60_000)

  it('refuses what a run gives that stood still while another began, and gives it what stands', async () => {
    const { alarms, runs } = stage(makeAdapter)
    const first = await begun(runs)
    alarms.skip(3_000)
    const second = await begun(runs)
    const lost = await published('holdfast.idempotency.failure', async () => {
      expect(await first.commit('answer', Buffer.from('late'))).toEqual(IN_PROGRESS)
    })
    expect(lost).toMatchObject([{ name: 'test', key: 'key', call: 'lost', error: { code: 'ERR_HOLDFAST_RUN_LOST' } }])
    expect(first.signal.aborted).toBe(true)
    await second.commit('answer', bytes)
    expect(await first.commit('answer', Buffer.from('late'))).toEqual(ENDED)
    expect(await runs.begin(what)).toEqual(ENDED)
    expect(second.signal.aborted).toBe(false)
  })

  it('takes what a run gives that stood still while nobody else began', async () => {
    const { alarms, runs } = stage(makeAdapter)
    const run = await begun(runs)
    alarms.skip(30_000)
    expect(run.signal.aborted).toBe(true)
    expect(await run.commit('answer', bytes)).toEqual({ state: 'committed' })
    expect(await runs.begin(what)).toEqual(ENDED)
  })

  it('takes what a run gives a second time for the same', async () => {
    const { runs, pass } = stage(makeAdapter)
    const run = await begun(runs)
    await run.commit('answer', bytes)
    expect(await run.commit('answer', bytes)).toEqual({ state: 'committed' })
    expect(await runs.begin(what)).toEqual(ENDED)
    await pass(6_000)
    expect(run.signal.aborted).toBe(false) // it was not lost, and is not renewed any more
  })

  it('makes a record again that was lost while its run held the lease, by the next renewal', async () => {
    const { adapter, runs, pass } = stage(makeAdapter)
    const run = await begun(runs)
    await pass(500)
    await adapter.run(lose, '{key}', undefined)
    await pass(1_000)
    expect(await runs.begin(what)).toEqual(IN_PROGRESS)
    expect(await runs.begin({ ...what, fingerprint: 'other' })).toEqual({ state: 'mismatch' })
    await adapter.run(lose, '{key}', undefined)
    expect(await run.commit('answer', bytes)).toEqual({ state: 'committed' })
    expect(await runs.begin(what)).toEqual(ENDED)
  })

  it('does not keep what a run gives whose lease is over, and whose record is gone', async () => {
    const { alarms, adapter, runs } = stage(makeAdapter)
    const run = await begun(runs)
    alarms.skip(3_000)
    await adapter.run(lose, '{key}', undefined)
    expect(await run.commit('answer', bytes)).toEqual({ state: 'lost' })
    expect(await begun(runs)).toMatchObject({ attempt: 1 })
  })

  it('renews a run that nobody waits for any more for so long, and then lets it go', async () => {
    const { runs, pass } = stage(makeAdapter)
    const run = await begun(runs)
    await pass(30_000)
    run.abandon()
    await pass(5_000)
    run.abandon() // it was abandoned already
    await pass(5_000)
    expect(run.signal.aborted).toBe(false)
    expect(await runs.begin(what)).toEqual(IN_PROGRESS)
    await pass(4_000)
    expect(run.signal.aborted).toBe(true)
    expect(await begun(runs)).toMatchObject({ attempt: 2 })
  })

  describe('while the adapter fails', () => {
    it('begins nothing', async () => {
      const { adapter, runs } = stage(makeAdapter)
      adapter.fail()
      await expect(runs.begin(what)).rejects.toMatchObject({ code: 'ERR_HOLDFAST_ADAPTER_UNAVAILABLE' })
    })

    it('does not lose a run before its lease is over', async () => {
      const { adapter, runs, pass } = stage(makeAdapter)
      const run = await begun(runs)
      adapter.fail()
      await pass(2_000)
      adapter.recover()
      await pass(30_000)
      expect(run.signal.aborted).toBe(false)
      adapter.fail()
      await pass(3_000)
      expect(run.signal.aborted).toBe(true)
    })

    it('keeps what a run gave as soon as it can, while the lease stands, and tells', async () => {
      const { adapter, runs, pass } = stage(makeAdapter)
      const run = await begun(runs)
      adapter.fail()
      const failures = await published('holdfast.idempotency.failure', async () => {
        expect(await run.commit('answer', bytes)).toEqual({ state: 'failed' })
        await pass(2_000)
      })
      expect(failures).toMatchObject([{ name: 'test', key: 'key', call: 'commit' }])
      adapter.recover()
      await pass(400) // a tenth of a lease, and one more
      expect(await runs.begin(what)).toEqual(ENDED)
      expect(run.signal.aborted).toBe(false)
      await pass(60_000)
      expect(await begun(runs)).toMatchObject({ attempt: 1 }) // nothing has renewed it since
    })

    it('tells when what a run gave comes too late, because another has the key', async () => {
      const { adapter, runs, pass } = stage(makeAdapter)
      const run = await begun(runs)
      adapter.fail()
      await run.commit('answer', bytes)
      adapter.recover()
      await runs.free('{key}')
      const lost = await published('holdfast.idempotency.failure', () => pass(2_000))
      expect(lost).toMatchObject([{ call: 'lost' }])
      expect(await begun(runs)).toMatchObject({ attempt: 2 })
    })

    it('gives up when the lease is over, and another may run', async () => {
      const { adapter, runs, pass } = stage(makeAdapter)
      const run = await begun(runs)
      adapter.fail()
      await run.commit('answer', bytes)
      await pass(10_000)
      adapter.recover()
      await pass(10_000)
      expect(await begun(runs)).toMatchObject({ attempt: 2 })
    })

    it('leaves a run that could not be cancelled to the end of its lease', async () => {
      const { adapter, runs, pass } = stage(makeAdapter)
      const run = await begun(runs)
      adapter.fail()
      const failures = await published('holdfast.idempotency.failure', async () => {
        expect(await run.cancel()).toBe(false)
      })
      expect(failures).toMatchObject([{ call: 'cancel' }])
      adapter.recover()
      await pass(2_000)
      expect(await runs.begin(what)).toEqual({ state: 'in-progress', retryInMs: 1_000 })
      await pass(1_000)
      expect(await begun(runs)).toMatchObject({ attempt: 2 })
    })
  })

  describe('waiting', () => {
    const waiting = { waitMs: 5_000 }

    it('gets what comes of the run, woken by its end', async () => {
      const { runs, pass } = stage(makeAdapter, waiting)
      const run = await begun(runs)
      const asked = Promise.all([1, 2, 3].map(() => runs.begin(what)))
      await pass(10) // they have come to listen
      await run.commit('answer', bytes)
      expect(await asked).toEqual([ENDED, ENDED, ENDED]) // and no clock has moved
    })

    it('runs when the run before was freed, one after the other', async () => {
      const { runs, pass } = stage(makeAdapter, waiting)
      const run = await begun(runs)
      const asked = [1, 2].map(() => runs.begin(what))
      await pass(10)
      await run.cancel()
      const next = await Promise.race(asked)
      if (next.state !== 'begun') throw new Error(next.state)
      expect(next.run.attempt).toBe(2)
      await next.run.commit('answer', bytes)
      expect((await Promise.all(asked)).filter((each) => each !== next)).toEqual([ENDED])
    })

    it('takes over from a run that died, when its lease is over', async () => {
      const { adapter, runs, pass } = stage(makeAdapter, waiting)
      const lasting = { leaseMs: 3_000, retentionMs: 60_000, waitMs: 0, abandonedMs: 0 }
      await begun(createRuns({ adapter, name: 'test', ...lasting, alarms: handClock() })) // its clock stands still
      let answer: Begun | undefined
      const asked = runs.begin(what).then((begun) => {
        answer = begun
      })
      await pass(2_750)
      expect(answer).toBeUndefined()
      await pass(250)
      await asked
      expect(answer).toMatchObject({ state: 'begun', run: { attempt: 2 } })
    })

    it('gives up after waitMs, or when it is told to', async () => {
      const { runs, pass } = stage(makeAdapter, waiting)
      await begun(runs)
      const controller = new AbortController()
      const [asked, stopped] = [runs.begin(what), runs.begin(what, controller.signal)]
      await pass(10)
      controller.abort()
      expect(await stopped).toEqual(IN_PROGRESS)
      await pass(5_000)
      expect(await asked).toEqual(IN_PROGRESS)
    })

    it('waits on while the adapter fails, since another runs', async () => {
      const { adapter, runs, pass } = stage(makeAdapter, waiting)
      const run = await begun(runs)
      const asked = runs.begin(what)
      await pass(10)
      adapter.fail()
      await pass(2_000)
      adapter.recover()
      await run.commit('answer', bytes)
      await pass(1_000)
      expect(await asked).toEqual(ENDED)
    })

    it('gives up at once when the adapter is closed, and runs nothing, since another runs', async () => {
      const { adapter, runs, pass } = stage(makeAdapter, waiting)
      await begun(runs)
      const asked = runs.begin(what)
      await pass(10)
      await adapter.close()
      expect(await asked).toEqual(IN_PROGRESS) // and no clock has moved
    })
  })

  it('frees a key for whatever comes, and a run that was freed keeps nothing', async () => {
    const { runs } = stage(makeAdapter)
    const run = await begun(runs)
    expect(await run.cancel()).toBe(true)
    expect(await run.cancel()).toBe(false)
    const second = await begun(runs, 'other')
    expect(second.attempt).toBe(2)
    expect(second.fence).toBeGreaterThan(run.fence)
    expect(await runs.free('{key}')).toBe(true)
    expect(await runs.free('{key}')).toBe(false)
    expect(await second.commit('answer', bytes)).toEqual({ state: 'lost' })
    const third = await begun(runs)
    await third.commit('answer', bytes)
    expect(await third.cancel()).toBe(false)
    expect(await runs.free('{key}')).toBe(true)
    expect(await begun(runs)).toMatchObject({ attempt: 4 })
  })
})
