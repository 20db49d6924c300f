import { type CallOptions, isAdapterError } from '@holdfast/adapter'
import { type Cost, costsOf } from './cost.ts'
import type { Receipt } from './decision.ts'
import { announceFailure, type RateLimitFailureEvent } from './events.ts'
import type { Taken } from './give-back.ts'
import type { ConsumeResult } from './operations/consume.ts'
import { NOT_CHARGED, settle } from './operations/settle.ts'

/** What was charged, and where. */
export interface Charge extends Taken {
  readonly result: ConsumeResult
}

/** What one policy was charged, and when. */
interface ChargePart {
  readonly cost: number
  readonly at: number
  /** As the settle operation has it; undefined: nothing, by a shadow policy that would have refused. */
  readonly mark: number | undefined
}

/** What receipts need of the limiter that gives them. */
export interface Ledger {
  readonly name: string
  readonly channel: string
  readonly keepMs: number
  readonly call: CallOptions
  /** The usage of `key` has changed. */
  changed(key: string): void
  /** Whether there is a concurrency policy. */
  readonly holds: boolean
  /** Renews by `renew` until the function that it gives is called. */
  hold(renew: () => Promise<unknown>): () => Promise<void>
  /** Gives back what concurrency policies gave, as soon as it can be. */
  owe(taken: Taken): void
}

export class ChargeReceipt implements Receipt {
  readonly #ledger: Ledger
  readonly #charge: Charge
  #parts: readonly ChargePart[] | undefined
  #isRefunded = false
  /** Whether a commit failed, so that it may have been done or not. */
  #isUnsure = false
  /** Ends the renewals of what concurrency policies gave, while that is held. */
  #letGo: (() => Promise<void>) | undefined
  /** One call after the other: each goes by what the one before it has charged. */
  #last: Promise<unknown> | undefined

  constructor(ledger: Ledger, charge: Charge) {
    this.#ledger = ledger
    this.#charge = charge
    if (!ledger.holds) return
    const held = this.#units((part, isSlot) => (isSlot ? part.cost : 0))
    if (held.some((units) => units > 0)) this.#letGo = ledger.hold(() => this.#settle('renew', held))
  }

  refund(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#isRefunded) return false
      this.#isRefunded = true
      const holds = this.#letGo !== undefined
      await this.#stop()
      return this.#settle(
        'refund',
        this.#units((part, isSlot) => (isSlot && !holds ? 0 : -part.cost)),
      )
    })
  }

  commit(cost: Cost): Promise<boolean> {
    return this.#inTurn(async () => {
      const costs = costsOf(cost, this.#charge.args.policies)
      if (this.#isRefunded) return false
      const units = this.#units((part, isSlot, index) => (isSlot ? 0 : (costs[index] ?? 1) - part.cost))
      return this.#settle('commit', units)
    })
  }

  release(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#letGo === undefined) return false
      await this.#stop()
      return this.#settle(
        'release',
        this.#units((part, isSlot) => (isSlot ? -part.cost : 0)),
      )
    })
  }

  #inTurn(call: () => Promise<boolean>): Promise<boolean> {
    const done = (this.#last ?? Promise.resolve()).then(call)
    this.#last = done.catch(() => {})
    return done
  }

  /** Made when it is asked for: most receipts never are. */
  #charged(): readonly ChargePart[] {
    this.#parts ??= partsOf(this.#charge)
    return this.#parts
  }

  /** After a commit that failed: more than is charged for certain would be taken from others when it is given back. */
  #expectLeast(units: readonly number[]): void {
    this.#isUnsure = true
    this.#parts = this.#charged().map((part, index) => ({ ...part, cost: part.cost + Math.min(0, units[index] ?? 0) }))
  }

  /** What changes in each policy that was charged. */
  #units(by: (part: ChargePart, isSlot: boolean, index: number) => number): number[] {
    const { policies } = this.#charge.args
    return this.#charged().map((part, index) =>
      part.mark === undefined ? 0 : by(part, policies[index]?.algorithm === 'concurrency', index),
    )
  }

  async #stop(): Promise<void> {
    const letGo = this.#letGo
    this.#letGo = undefined
    await letGo?.()
  }

  async #settle(call: RateLimitFailureEvent['call'], units: readonly number[]): Promise<boolean> {
    if (units.every((each) => each === 0)) return call !== 'release' && !this.#isUnsure
    const { adapter, key, subject } = this.#charge
    const { policies, token } = this.#charge.args
    const { name, channel, keepMs } = this.#ledger
    const charged = this.#charged().map(({ at, mark = NOT_CHARGED }) => ({ at, mark }))
    const args = { policies, charged, units, token, channel, message: subject, keepMs }
    if (call !== 'renew') this.#ledger.changed(key)
    try {
      const { settled, at, marks } = await adapter.run(settle, subject, args, this.#ledger.call)
      if (call !== 'renew') this.#ledger.changed(key)
      this.#parts = this.#charged().map((part, index) => {
        const by = units[index] ?? 0
        const cost = call === 'commit' ? part.cost + by : part.cost
        if (part.mark === NOT_CHARGED && by > 0) return { cost, at, mark: marks[index] }
        return { ...part, cost, mark: settled && part.mark !== undefined && cost === 0 ? NOT_CHARGED : part.mark }
      })
      return settled
    } catch (error) {
      if (call === 'commit') this.#expectLeast(units)
      else if (call !== 'renew' && this.#ledger.holds && isAdapterError(error)) this.#ledger.owe(this.#charge)
      announceFailure({ name, key, call, error })
      if (!isAdapterError(error) && (call === 'refund' || call === 'commit')) throw error
      return false
    }
  }
}

function partsOf({ args, result }: Charge): readonly ChargePart[] {
  return args.policies.map(({ shadow }, index) => {
    const { mark = 0 } = result.quotas[index] ?? {}
    const cost = args.costs[index] ?? 1
    if (shadow && result.waits[index] !== 0) return { cost: 0, at: result.at, mark: undefined }
    return { cost, at: result.at, mark: cost === 0 ? NOT_CHARGED : mark }
  })
}

/** Of a call that nobody counted. */
export const NO_RECEIPT: Receipt = {
  refund: async () => false,
  commit: async () => false,
  release: async () => false,
}
