import { defineOperation, type Operation } from '../operation.ts'
import { KEPT_MS, lookLua, opened, type Permits, permitsLua, saved, told } from './permits.ts'

export interface ExtendArgs {
  readonly token: string
  readonly leaseMs: number
}

/** Renews the lease that `token` holds, for `leaseMs` from now. False when it holds none: it has ended, or was given back. */
export const extend: Operation<Permits, ExtendArgs, boolean> = defineOperation({
  name: 'lease.extend',

  step(state: Permits | undefined, { token, leaseMs }, now) {
    const open = opened(state, now)
    const own = open.holders.find((each) => each.token === token)
    if (own === undefined) return { result: false }
    own.endsAt = now + leaseMs
    own.leaseMs = leaseMs
    return saved(open, now, true, told(open, now))
  },

  luaPrelude: lookLua,

  lua: `
    local token, lease = ARGV[1], tonumber(ARGV[2])
    look()
    local given = alone(token)
    if given then
      update(math.max(${KEPT_MS}, lease), 'holders', holding(token, given, now + lease, lease))
      return { 1 }
    end
    ${permitsLua}
    local own = holders[place_of(token, holders)]
    if not own then return { 0 } end
    own.ends, own.lease = now + lease, lease
    tell()
    save()
    return { 1 }
  `,

  encode: ({ token, leaseMs }) => [token, leaseMs],
  decode: ([extended]) => extended === 1,
})
