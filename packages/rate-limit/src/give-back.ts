import type { Adapter, CallOptions } from '@holdfast/adapter'
import { returnsOf } from '@holdfast/adapter/lease'
import type { ConsumeArgs } from './operations/consume.ts'
import { settle } from './operations/settle.ts'

/** What a call of a limiter has taken, or may have taken. */
export interface Taken {
  readonly adapter: Adapter
  readonly key: string
  readonly subject: string
  readonly args: ConsumeArgs
}

/** @returns Gives back what concurrency policies gave, now or when the adapter works again */
export function createGiveBack(channel: string, leaseMs: number, call: CallOptions): (taken: Taken) => void {
  return function giveBack({ adapter, subject, args }) {
    const { policies, costs, token, keepMs } = args
    const units = policies.map(({ algorithm }, index) => (algorithm === 'concurrency' ? -(costs[index] ?? 1) : 0))
    const charged = policies.map(() => ({ at: 0, mark: 0 })) // which concurrency policies don't ask for
    const returned = { policies, charged, units, token, channel, message: subject, keepMs }
    returnsOf(adapter).owe(() => adapter.run(settle, subject, returned, call), leaseMs)
  }
}
