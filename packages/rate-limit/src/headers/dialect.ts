import type { Exchange } from '@holdfast/http'
import type { Decision } from '../decision.ts'

/** Tells a client what was decided, and, where the dialect can, whose quota it is, beside what limiters before this one have told. */
export type Dialect = (
  exchange: Pick<Exchange<unknown>, 'setHeader'>,
  decision: Decision,
  partitionKey: Uint8Array | undefined,
  told: Told,
) => void

/** What a response says so far in the fields of a dialect that has room for more than one limiter; '' where it says nothing. */
export interface Told {
  policies: string
  quotas: string
}
