import { defineOperation, type Operation } from '@holdfast/adapter'
import type { Purges } from './purges.ts'

export interface PurgedSinceArgs {
  readonly epoch: string
  /** A time of the clock: asked is what was purged after it. */
  readonly since: number
  readonly most: number
}

/** Undefined when the clock of this epoch is gone. */
export type PurgedSinceResult =
  | {
      readonly clock: number
      /** Purges up to this one have been forgotten. */
      readonly floor: number
      /** The clock at the first of `tags`, less one; they follow each other. */
      readonly from: number
      readonly tags: readonly string[]
    }
  | undefined

/** What was purged since. */
export const purgedSince: Operation<Purges, PurgedSinceArgs, PurgedSinceResult> = defineOperation({
  name: 'cache.purged-since',

  step(state: Purges | undefined, { epoch, since, most }) {
    if (state?.epoch !== epoch) return { result: undefined }
    const from = Math.max(since, state.floor)
    const tags: string[] = []
    for (let clock = from + 1; clock <= Math.min(state.clock, from + most); clock += 1) tags.push(state.tags.get(clock) ?? '')
    return { result: { clock: state.clock, floor: state.floor, from, tags } }
  },

  lua: `
    local wanted, since, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
    local epoch, clock, floor = read('epoch', 'clock', 'floor')
    if epoch ~= wanted then return {} end
    local from, fields = math.max(since, tonumber(floor)), {}
    for at = from + 1, math.min(tonumber(clock), from + most) do fields[#fields + 1] = string.format('p%.0f', at) end
    local reply = { clock, floor, string.format('%.0f', from) }
    if #fields == 0 then return reply end
    local tags = redis.call('HMGET', key, unpack(fields))
    for i = 1, #fields do reply[#reply + 1] = tags[i] or '' end
    return reply
  `,

  encode: ({ epoch, since, most }) => [epoch, since, most],
  decode([clock, floor, from, ...tags]) {
    if (clock === undefined) return undefined
    return { clock: Number(clock), floor: Number(floor), from: Number(from), tags: tags.map(String) }
  },
})
