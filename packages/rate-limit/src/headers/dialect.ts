import type { Exchange } from '@holdfast/http'
import type { Decision } from '../decision.ts'

/** Tells a client what was decided, and, where the dialect can, whose quota it is. */
export type Dialect = (
  exchange: Pick<Exchange<unknown>, 'setHeader'>,
  decision: Decision,
  partitionKey: Uint8Array | undefined,
) => void
