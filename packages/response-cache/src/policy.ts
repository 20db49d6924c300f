import type { Said } from './directives.ts'
import { initialAge } from './rfc/age.ts'
import { meantToForbid, msOf } from './rfc/cache-control.ts'
import { type Fields, fieldsOf, joined } from './rfc/fields.ts'
import { type Control, controlOf, explicitLifetime, heuristicLifetime } from './rfc/freshness.ts'
import type { Times } from './rfc/reuse.ts'
import { type Refusal, refusalOf } from './rfc/storable.ts'

export interface PolicyOptions {
  readonly mode: 'app' | 'rfc'
  readonly ttlMs: number | undefined
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  readonly statuses: readonly number[] | undefined
}

/** A response whose head has come, and how it came about. */
export interface Arrived {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly requestedAt: number
  readonly respondedAt: number
  /** Whether the request had an `Authorization` field. */
  readonly authorized: boolean
  /** What the handler said by `cacheFor` or `noCache`. */
  readonly said: Said | undefined
  /** What of the request was read that makes the response one client's own. */
  readonly read: Refusal | undefined
}

/** Whether a response is stored, and for how long it is fresh; or why it is not. */
export type Verdict = { readonly times: Times; readonly fields: Fields } | { readonly refusal: Refusal }

const PRIVATE_STATUS = 429

/** What becomes of a response: RFC 9111, section 3, and in mode `app` what keeps one client's answer from another. */
export function createPolicy(options: PolicyOptions): (arrived: Arrived) => Verdict {
  const { mode, statuses } = options
  const isApp = mode === 'app'

  function refusalIn({ status, authorized, said, read }: Arrived, fields: Fields, control: Control): Refusal | undefined {
    if (said?.never) return 'no-cache-called'
    if (status === PRIVATE_STATUS) return 'rate-limited'
    if (statuses !== undefined && !statuses.includes(status)) return 'status'
    const refusal = refusalOf({ status, fields, control, authorized })
    if (refusal !== undefined || !isApp) return refusal
    if (fields.has('set-cookie')) return 'set-cookie'
    const meant = control.isTargeted ? undefined : meantToForbid(joined(fields, 'cache-control'))
    if (meant !== undefined && control.directives.get(meant) !== '') return meant // else it has been judged by its rules
    if (status === 206) return 'partial'
    if (joined(fields, 'content-type')?.toLowerCase().startsWith('text/event-stream')) return 'stream'
    return control.directives.has('public') ? undefined : read
  }

  function lifetimeOf({ status, said, respondedAt }: Arrived, fields: Fields, control: Control): number | undefined {
    const meant = status < 500 ? said?.ttlMs : undefined // what failed afterwards is not what the handler meant
    const explicit = meant ?? explicitLifetime(fields, control, respondedAt)
    if (explicit !== undefined) return explicit
    if (options.ttlMs !== undefined && status === 200 && !control.directives.has('no-cache')) return options.ttlMs
    return isApp ? undefined : heuristicLifetime(status, fields, control, respondedAt)
  }

  function timesOf(arrived: Arrived, fields: Fields, control: Control): Times | undefined {
    const { said, respondedAt } = arrived
    const { directives } = control
    const lifetime = lifetimeOf(arrived, fields, control)
    const canBeValidated = fields.has('etag') || fields.has('last-modified')
    const alwaysValidate = directives.get('no-cache') === ''
    if (lifetime === undefined && (isApp || !canBeValidated)) return undefined
    if (alwaysValidate && !canBeValidated) return undefined
    const staleSaid = msOf(directives, 'stale-while-revalidate')
    const errorSaid = msOf(directives, 'stale-if-error')
    // `s-maxage` forbids what is stale as well: RFC 9111, section 5.2.2.10. Who writes a stale period beside it means it.
    const forbids = directives.has('s-maxage') && said?.ttlMs === undefined
    const byDefault = (ms: number): number => (forbids ? 0 : ms)
    const isNeverFresh = lifetime === 0 // who says that means each request to be answered anew
    const times = {
      respondedAt,
      ageMs: initialAge(fields, arrived),
      freshMs: lifetime ?? 0,
      staleMs: said?.staleWhileRevalidateMs ?? staleSaid ?? (isNeverFresh ? 0 : byDefault(options.staleWhileRevalidateMs)),
      errorMs: said?.staleIfErrorMs ?? errorSaid ?? byDefault(options.staleIfErrorMs),
      alwaysValidate,
      neverStale: STRICT.some((name) => directives.has(name)) || (forbids && staleSaid === undefined && errorSaid === undefined),
    }
    const isUseless = times.freshMs <= times.ageMs && !canBeValidated && times.staleMs === 0 && times.errorMs === 0
    return isUseless && isApp ? undefined : times
  }

  return (arrived) => {
    const fields = fieldsOf(arrived.rawHeaders)
    const control = controlOf(fields)
    const refusal = refusalIn(arrived, fields, control)
    if (refusal !== undefined) return { refusal }
    const times = timesOf(arrived, fields, control)
    return times === undefined ? { refusal: 'no-freshness' } : { times, fields }
  }
}

const STRICT = ['must-revalidate', 'proxy-revalidate']

/** The fields that `no-cache="..."` and `private="..."` keep from being stored: RFC 9111, sections 5.2.2.4 and 5.2.2.7. */
export function unstoredFields(fields: Fields): ReadonlySet<string> {
  const { directives } = controlOf(fields)
  const names = ['no-cache', 'private'].flatMap((name) => (directives.get(name) ?? '').split(','))
  return new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))
}
