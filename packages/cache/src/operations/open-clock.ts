import { defineOperation, type Operation } from '@holdfast/adapter'
import { CLOCK_TTL_MS, type Purges, shownClock } from './purges.ts'

/** Starts the clock, with this epoch if there is none, and gives it as values keep it. */
export const openClock: Operation<Purges, { readonly epoch: string }, string> = defineOperation({
  name: 'cache.open-clock',
  value: true,

  step(state: Purges | undefined, { epoch }) {
    const purges = state ?? { epoch, clock: 0, floor: 0, tags: new Map<number, string>() }
    const clock = shownClock(purges)
    return {
      result: clock,
      next: { state: purges, ttlMs: CLOCK_TTL_MS },
      value: { bytes: Buffer.from(clock), ttlMs: CLOCK_TTL_MS },
    }
  },

  lua: `
    local epoch, clock, floor = read('epoch', 'clock', 'floor')
    if not epoch then epoch, clock, floor = ARGV[1], '0', '0' end
    update(${CLOCK_TTL_MS}, 'epoch', epoch, 'clock', clock, 'floor', floor)
    local shown = epoch .. ':' .. clock
    write_value(${CLOCK_TTL_MS}, shown)
    return { shown }
  `,

  encode: ({ epoch }) => [epoch],
  decode: ([clock]) => String(clock),
})
