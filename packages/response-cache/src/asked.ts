import { shown } from '@holdfast/adapter/options'
import type { Exchange } from '@holdfast/http'
import type { Engine } from './engine.ts'
import type { Settings } from './options.ts'
import { type Input, watchFields, watchReads } from './reads.ts'
import { type Directives, directivesIn } from './rfc/cache-control.ts'
import { isMade } from './seen.ts'
import { isDevelopment } from './warnings.ts'

/** A request, and what the cache has to know of it. */
export interface Asked<Native> {
  readonly exchange: Exchange<Native>
  readonly next: () => Promise<void>
  /** The key of its URL. */
  readonly base: string
  /** Whether it has an `Authorization` field. */
  readonly authorized: boolean
  /** What was read of it to make its key. */
  readonly keyed: ReadonlySet<Input['kind']>
  /** Which other fields were, in development. */
  readonly keyedFields: ReadonlySet<string>
  /** What its client demands, where clients have a say. */
  readonly control: Directives
  /** Whether it is answered anew, whatever is stored. */
  readonly refreshes: boolean
}

type Made = Pick<Asked<never>, 'base' | 'keyed' | 'keyedFields'>

const NOTHING: Directives = new Map()

/** @returns Makes what has to be known; nothing where a middleware further in front has it made for the same cache */
export function createAsking<Native extends object>(
  engine: Engine,
  { key, mode }: Pick<Settings<Native, unknown>, 'key' | 'mode'>,
  inputs: (native: Native) => readonly Input[],
): (exchange: Exchange<Native>, next: () => Promise<void>, refreshes: boolean) => Asked<Native> | undefined {
  function ownKey({ native, headers }: Exchange<Native>, make: (native: Native) => string): Made {
    const reads = watchReads(inputs(native), false)
    const fields = isDevelopment() ? watchFields(headers) : undefined
    try {
      const base = make(native)
      if (typeof base !== 'string') throw new TypeError(`key must return a string, got ${shown(base)}`)
      return { base, keyed: new Set(reads.all.keys()), keyedFields: new Set(fields?.all.keys()) }
    } finally {
      fields?.stop()
      reads.stop()
    }
  }

  /** `Pragma` counts where there is no `Cache-Control`: RFC 9111, section 5.4. */
  function controlIn({ headers }: Exchange<Native>): Directives {
    return mode === 'rfc' ? directivesIn(headers['cache-control'] ?? headers.pragma) : NOTHING
  }

  return (exchange, next, refreshes) => {
    const { native, headers, url } = exchange
    const made =
      key === undefined ? { base: engine.keyOf(exchange.host, url), keyed: NONE, keyedFields: NONE } : ownKey(exchange, key)
    const { base, keyed, keyedFields } = made
    if (isMade(native, engine, base)) return undefined // before anything is read: it would count as the handlers' reading
    const authorized = headers.authorization !== undefined
    return { exchange, next, base, keyed, keyedFields, authorized, control: controlIn(exchange), refreshes }
  }
}

const NONE: ReadonlySet<never> = new Set<never>()
