import { defineOperation, type Operation } from '@holdfast/adapter'
import { CLOCK_TTL_MS, type Purges, shownClock } from './purges.ts'

export interface PurgeArgs {
  readonly tags: readonly string[]
  /** For a clock that does not exist. */
  readonly epoch: string
  /** The channel on which every process is told: the clock, and after a space the tags as JSON. */
  readonly channel: string
  /** How many purges are remembered. */
  readonly most: number
}

/** Moves the clock on by one for each tag, and tells every process. Gives the clock as values keep it. */
export const purge: Operation<Purges, PurgeArgs, string> = defineOperation({
  name: 'cache.purge',
  value: true,

  step(state: Purges | undefined, { tags, epoch, channel, most }) {
    const purges = state ?? { epoch, clock: 0, floor: 0, tags: new Map<number, string>() }
    for (const tag of tags) {
      purges.clock += 1
      purges.tags.set(purges.clock, tag)
    }
    while (purges.clock - purges.floor > most) {
      purges.floor += 1
      purges.tags.delete(purges.floor)
    }
    const clock = shownClock(purges)
    return {
      result: clock,
      next: { state: purges, ttlMs: CLOCK_TTL_MS },
      value: { bytes: Buffer.from(clock), ttlMs: CLOCK_TTL_MS },
      publish: [{ channel, message: `${clock} ${JSON.stringify(tags)}` }],
    }
  },

  lua: `
    local channel, json, most = ARGV[2], ARGV[3], tonumber(ARGV[4])
    local epoch, clock, floor = read('epoch', 'clock', 'floor')
    epoch, clock, floor = epoch or ARGV[1], tonumber(clock) or 0, tonumber(floor) or 0
    local fields = {}
    for i = 5, #ARGV do
      clock = clock + 1
      fields[#fields + 1] = string.format('p%.0f', clock)
      fields[#fields + 1] = ARGV[i]
    end
    local shown = string.format('%.0f', clock)
    local forgotten = {}
    while clock - floor > most do
      floor = floor + 1
      forgotten[#forgotten + 1] = string.format('p%.0f', floor)
    end
    update(${CLOCK_TTL_MS}, 'epoch', epoch, 'clock', shown, 'floor', string.format('%.0f', floor), unpack(fields))
    if #forgotten > 0 then redis.call('HDEL', key, unpack(forgotten)) end
    shown = epoch .. ':' .. shown
    write_value(${CLOCK_TTL_MS}, shown)
    publish(channel, shown .. ' ' .. json)
    return { shown }
  `,

  encode: ({ tags, epoch, channel, most }) => [epoch, channel, JSON.stringify(tags), most, ...tags],
  decode: ([clock]) => String(clock),
})
