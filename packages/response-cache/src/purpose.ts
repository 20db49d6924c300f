import type { Asked } from './asked.ts'
import type { Forward } from './cache-status.ts'
import type { Candidate } from './hits.ts'
import type { Purpose } from './order.ts'
import { fieldsOf } from './rfc/fields.ts'
import { contentRange } from './rfc/range.ts'
import type { Found } from './shelf.ts'

/** What the handlers are to do about what is stored. */
export function purposeOf({ exchange, refreshes }: Asked<unknown>, found: Found, candidate: Candidate | undefined): Purpose {
  const fwd = refreshes ? 'bypass' : forwardOf(found, candidate)
  if (found.stored?.kind === 'pass' && !refreshes) return { fwd, isMarked: true, asSent: true } // mostly it is one client's own again
  const asSent = exchange.headers.range !== undefined
  if (candidate === undefined || refreshes || asSent) return { fwd, asSent }
  const { response, reuse } = candidate
  const storedTags = found.looked.entry?.tags ?? []
  if (response.status === 206) {
    const begins = contentRange(fieldsOf(response.rawHeaders))?.first === 0 && reuse.state === 'fresh'
    return begins ? { fwd: 'partial', part: response, storedTags } : { fwd: 'partial' }
  }
  const ifError = response.status < 500 && (reuse.state !== 'validate' || reuse.ifError)
  return { fwd, stale: response, ifError, storedTags }
}

/** Why a request goes on to the handlers. */
export function forwardOf({ index }: Found, candidate: Candidate | undefined): Forward {
  if (candidate === undefined) return index === undefined ? 'uri-miss' : 'vary-miss'
  return candidate.reuse.state === 'validate' ? candidate.reuse.because : 'stale'
}

/** Whether a request waits while the response is made for another: not where that other one's would have to be validated again. */
export function waitsFor(candidate: Candidate | undefined): boolean {
  if (candidate?.reuse.state !== 'validate') return true
  return candidate.reuse.because === 'stale' && !candidate.response.alwaysValidate
}
