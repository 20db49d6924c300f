import type { OutgoingHttpHeaders } from 'node:http'
import type { Order } from './order.ts'
import { unstoredFields, type Verdict } from './policy.ts'
import { fieldsOf, tokensIn } from './rfc/fields.ts'
import { storedHeaders } from './rfc/headers.ts'
import { contentRange } from './rfc/range.ts'
import type { Refusal } from './rfc/storable.ts'
import type { StoredResponse } from './stored.ts'

/** A response of the handlers, or one that they have confirmed. */
export interface Made {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly respondedAt: number
}

/** What may be stored of what the handlers of a request make. */
export interface Assessment {
  /** The fields of the request that a response depends on, as it says. */
  saidIn(rawHeaders: readonly string[]): string[]
  /** Those by which one that is stored is found: not what a coding in front of the cache depends on. */
  namesIn(rawHeaders: readonly string[]): string[]
  judge(made: Made): Verdict
  /** As it is stored: without the fields of one connection, and with what decides about it. */
  stored(made: Made, body: Uint8Array, verdict: Verdict): StoredResponse | undefined
}

/** @param before What middlewares in front of the cache have set */
export function createAssessment(order: Order, requestedAt: number, before: OutgoingHttpHeaders = {}): Assessment {
  const { authorized, vary } = order
  const isCodedInFront = tokensIn(fieldsOf(['vary', [before.vary ?? []].flat().join()]), 'vary').includes(CODING)

  function saidIn(rawHeaders: readonly string[]): string[] {
    return [...new Set([...vary, ...tokensIn(fieldsOf(rawHeaders), 'vary')])]
  }

  function namesIn(rawHeaders: readonly string[]): string[] {
    const names = saidIn(rawHeaders)
    if (!isCodedInFront || vary.includes(CODING) || fieldsOf(rawHeaders).has('content-encoding')) return names
    return names.filter((name) => name !== CODING)
  }

  return {
    saidIn,
    namesIn,

    judge(made) {
      const read = order.read(namesIn(made.rawHeaders))
      return order.judge({ ...made, requestedAt, authorized, said: order.said(), read })
    },

    stored({ status, rawHeaders }, body, verdict) {
      if ('refusal' in verdict) return undefined
      const fields = fieldsOf(rawHeaders)
      if (status === 206 && contentRange(fields) === undefined) return undefined
      const kept = storedHeaders(rawHeaders, fields, unstoredFields(fields))
      return { ...verdict.times, kind: 'response', status, rawHeaders: kept, body }
    },
  }
}

const CODING = 'accept-encoding'

export function refusalIn(verdict: Verdict): Refusal | undefined {
  return 'refusal' in verdict ? verdict.refusal : undefined
}
