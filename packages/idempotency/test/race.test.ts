import { setTimeout as wait } from 'node:timers/promises'
import { createIdempotency } from '@holdfast/idempotency'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'

const KEYS = 60
const CALLERS = 12

// In real time: some runs take longer than their lease. Some four seconds each.
eachAdapter((makeAdapter) => {
  describe.each(['reject', 'wait'] as const)('many callers, some of whose runs fail, with %s', (inProgress) => {
    it('never run one key twice at a time, and all get what the first run gave that did not fail', async () => {
      const adapter = makeAdapter()
      const engines = [1, 2, 3].map(() => createIdempotency({ adapter, leaseMs: 2_000, inProgress }))
      const running = new Set<string>()
      const given = new Map<string, number[]>()
      const wrong: string[] = []
      let turn = 0

      async function work(key: string, attempt: number): Promise<number> {
        turn += 1
        const own = turn
        if (running.has(key)) wrong.push(`${key} runs twice at a time`)
        running.add(key)
        await wait(own % 20 === 0 ? 3_000 : own % 7) // some take longer than their lease
        running.delete(key)
        if (own % 3 === 0) throw new Error(`on purpose, attempt ${attempt}`)
        given.set(key, [...(given.get(key) ?? []), own])
        return own
      }

      async function call(key: string, engine = engines[turn % 3]): Promise<void> {
        for (;;) {
          const result = await engine?.run(key, '', ({ attempt }) => work(key, attempt)).catch(() => undefined)
          if (result?.state === 'completed') {
            if (result.value !== given.get(key)?.[0]) wrong.push(`${key} gave ${result.value}, not ${given.get(key)?.join()}`)
            return
          }
          if (result?.state === 'mismatch') wrong.push(`${key} is a mismatch`)
          await wait(20)
        }
      }

      // Each master is connected to, and knows the scripts: a burst before that may outlast a lease.
      await Promise.all(Array.from({ length: KEYS }, (_, index) => engines[0]?.run(`warm ${index}`, '', () => index)))
      await Promise.all(Array.from({ length: KEYS * CALLERS }, (_, index) => call(`key ${index % KEYS}`)))
      for (const [key, values] of given) if (values.length !== 1) wrong.push(`${key} was run ${values.length} times`)
      expect(wrong).toEqual([])
      expect(given.size).toBe(KEYS)
    }, 60_000)
  })
})
