import type { Adapter } from '@holdfast/adapter'
import { returnsOf } from '@holdfast/adapter/lease'
import { settle } from './operations/settle.ts'

/** Ends a lease that nobody loads by, if it stands, now or when the adapter works again: others would wait for the rest of it. */
export function giveBack(adapter: Adapter, subject: string, token: string, leaseMs: number): void {
  returnsOf(adapter).owe(() => adapter.run(settle, subject, { token, outcome: '', wake: subject }), leaseMs)
}
