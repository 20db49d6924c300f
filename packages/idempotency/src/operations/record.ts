import type { Transition } from '@holdfast/adapter'

/** How a run has ended: with an answer or an error that is kept, or with something that cannot be given again. */
export type Outcome = 'answer' | 'thrown' | 'too-large' | 'unreplayable'

/** What is known of one key. */
export interface KeyRecord {
  /** How often it was begun. */
  readonly attempt: number
  readonly fence: number
  /** The fingerprint of what was asked; '' when the key was freed, for whatever comes. */
  readonly fingerprint: string
  /** Who runs, or has run; '' when the key was freed. */
  readonly token: string
  /** The lease of the run that is going on. */
  readonly until: number
  readonly leaseMs: number
  /** The inboxes of the processes that wait. */
  readonly addresses: readonly string[]
  /** '' while no run has ended. */
  readonly outcome: Outcome | ''
  readonly bytes: Uint8Array
}

/** How a step names one run, and makes its record again when that was lost. */
export interface RunArgs {
  /** Who runs: made by `newToken`. */
  readonly token: string
  readonly attempt: number
  readonly fence: number
  readonly fingerprint: string
  /** For how long the record is kept, from now on. */
  readonly keepMs: number
}

export const NO_BYTES: Uint8Array = new Uint8Array()

/** Those who wait at these addresses are told that the record has changed. */
export function told<Result>(
  addresses: readonly string[],
  wake: string,
  transition: Transition<KeyRecord, Result>,
): Transition<KeyRecord, Result> {
  return { ...transition, publish: addresses.map((channel) => ({ channel, message: wake })) }
}

/** The same in Lua. */
export const toldLua: string = `
  local function tell(addresses, wake)
    for address in string.gmatch(addresses or '', '%S+') do publish(address, wake) end
  end
`
