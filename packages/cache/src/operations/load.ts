import type { Transition } from '@holdfast/adapter'

/** Who loads the value of one key, who waits for it, and how the last load ended. */
export interface Load {
  /** The lease of the load; '' when nobody loads. */
  readonly token: string
  readonly until: number
  readonly leaseMs: number
  /** The inboxes of the processes that wait. */
  readonly addresses: readonly string[]
  /** The id of the value that was stored last, as long as somebody may have looked before it. */
  readonly last: string
  /** The token of a load that ended without a value to share, and what became of it. */
  readonly settled: string
  readonly outcome: string
}

/** How long the end of a load is remembered: longer than a caller takes from its look at the value to its `begin`. */
export const REMEMBERED_MS = 10_000

export const NO_LOAD: Load = { token: '', until: 0, leaseMs: 0, addresses: [], last: '', settled: '', outcome: '' }

/** What a load leaves when it has ended: those who wait are told. */
export function ended<Result>(
  load: Load,
  { last, settled = '', outcome = '' }: { last: string; settled?: string; outcome?: string },
  result: Result,
  wake: string,
): Transition<Load, Result> {
  const state = { ...NO_LOAD, last, settled, outcome }
  const publish = load.addresses.map((channel) => ({ channel, message: wake }))
  return { result, next: { state, ttlMs: REMEMBERED_MS }, publish }
}

/** The same in Lua. */
export const endedLua: string = `
  local function tell(addresses, wake)
    for address in string.gmatch(addresses or '', '%S+') do publish(address, wake) end
  end
  local function ended(addresses, wake, last, settled, outcome)
    tell(addresses, wake)
    write(${REMEMBERED_MS}, 'token', '', 'until', 0, 'lease', 0, 'addresses', '', 'last', last, 'settled', settled, 'outcome', outcome)
  end
`
