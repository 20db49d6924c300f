import { defineOperation, type Operation } from '../operation.ts'
import { KEPT_MS, lookLua, opened, type Permits, permitsLua, saved, told } from './permits.ts'

export interface ReleaseArgs {
  readonly token: string
}

/**
 * Gives back what `token` has: its lease, or its place in line. Whose turn comes by it is told in the same step.
 *
 * True when it held a lease; false when that had ended, or when it was waiting.
 */
export const release: Operation<Permits, ReleaseArgs, boolean> = defineOperation({
  name: 'lease.release',

  step(state: Permits | undefined, { token }, now) {
    const open = opened(state, now)
    const holders = open.holders.filter((each) => each.token !== token)
    const waiters = open.waiters.filter((each) => each.token !== token)
    const held = holders.length < open.holders.length
    if (!held && waiters.length === open.waiters.length) return { result: false }
    const left = { ...open, holders, waiters }
    return saved(left, now, held, told(left, now))
  },

  luaPrelude: lookLua,

  lua: `
    local token = ARGV[1]
    look()
    if alone(token) then
      update(${KEPT_MS}, 'holders', '')
      return { 1 }
    end
    ${permitsLua}
    bring_up()
    local held, waited = place_of(token, holders), place_of(token, front)
    if held then table.remove(holders, held) end
    if waited then table.remove(front, waited) end
    waited = waited or replace_in_line(token, '')
    if waited then length = length - 1 end
    if not held and not waited then return { 0 } end
    tell()
    save()
    return { held and 1 or 0 }
  `,

  encode: ({ token }) => [token],
  decode: ([released]) => released === 1,
})
