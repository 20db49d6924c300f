import type { IncomingHttpHeaders } from 'node:http'
import { newToken } from '@holdfast/adapter/lease'
import type { Budget, Entry, Looked, Moment } from '@holdfast/cache/engine'
import type { Engine } from './engine.ts'
import { fieldsOf } from './rfc/fields.ts'
import { decoded, encoded, type Stored, type StoredResponse, type VariantIndex } from './stored.ts'
import type { Variants } from './variants.ts'

/** Where a request's response is, or would be. */
export interface Found {
  /** The key of the URL. */
  readonly base: string
  /** The key of the response: the same, or that of a variant. */
  readonly key: string
  readonly index: VariantIndex | undefined
  readonly looked: Looked
  readonly stored: Exclude<Stored, VariantIndex> | undefined
  readonly budget: Budget
}

/** What is kept with a response. */
export interface Keeping extends Moment {
  readonly tags: readonly string[]
  /** The load that it comes from, or the id of the mark that it takes the place of. */
  readonly token: string
}

/** What a response was made for. */
export interface MadeFor {
  /** The fields of the request that it depends on, in lower case. */
  readonly names: readonly string[]
  readonly headers: IncomingHttpHeaders
}

export interface Shelf {
  /** The response in a copy in this process, if there is one. */
  near(base: string, headers: IncomingHttpHeaders): StoredResponse | undefined
  look(base: string, headers: IncomingHttpHeaders, budget: Budget): Promise<Found>
  /**
   * Keeps a response: under the key of its URL, or among its variants when it depends on fields of the request.
   *
   * @returns Whether it is there
   */
  keep(found: Found, stored: StoredResponse, madeFor: MadeFor, keeping: Keeping): Promise<boolean>
  /** Remembers for a while that responses to these requests are no others'. */
  mark(found: Found, keeping: Keeping): Promise<void>
  /** Drops all responses of a URL. */
  drop(base: string, budget: Budget): Promise<void>
}

/** How long a response that can be validated is kept after it is of no other use. */
const VALIDATED_MS = 86_400_000
/** For how long the responses of a URL are found by one index; then they are made again. */
const INDEX_MS = 30 * 86_400_000
/** For how long requests do not wait for each other whose response was one client's own. */
const MARK_MS = 10_000

export function createShelf({ adapter, entries, near }: Pick<Engine, 'adapter' | 'entries' | 'near'>, variants: Variants): Shelf {
  async function lookAt(keys: readonly string[], budget: Budget): Promise<Looked[]> {
    if (near === undefined) return entries.look(keys, budget)
    const asked = keys.map((key) => near.ask(key))
    try {
      const all = await entries.look(keys, budget)
      for (const [at, key] of keys.entries()) {
        const [entry, question] = [all[at]?.entry, asked[at]]
        const leftMs = entry === undefined ? 0 : Math.min(entry.storedAt + entry.freshMs - adapter.now(), entry.freshMs)
        if (entry !== undefined && question !== undefined && leftMs > 0) near.keep(key, question, entry, leftMs)
      }
      return all
    } finally {
      for (const [at, question] of asked.entries()) near.answered(keys[at] ?? '', question)
    }
  }

  function storedIn(key: string, { entry }: Looked): Stored | undefined {
    if (entry === undefined) return undefined
    return (near?.valueOf(key, entry)?.value as Stored | undefined) ?? decoded(entry.body) // what the engine's `near` decodes
  }

  function copyOf(key: string): Stored | undefined {
    return near?.find(key)?.value as Stored | undefined // as above
  }

  function entryOf(
    stored: Stored,
    { epoch, clock, tags }: Omit<Keeping, 'token'>,
    freshMs: number,
    errorMs: number,
  ): Omit<Entry, 'id'> {
    return { epoch, clock, tags, storedAt: adapter.now(), freshMs, staleMs: 0, errorMs, loadMs: 0, body: encoded(stored) }
  }

  async function keepAt(key: string, stored: StoredResponse, keeping: Keeping, token: string, budget: Budget): Promise<boolean> {
    const { freshMs, ageMs, staleMs, errorMs, rawHeaders } = stored
    const fields = fieldsOf(rawHeaders)
    const afterMs = fields.has('etag') || fields.has('last-modified') ? VALIDATED_MS : 1
    const entry = entryOf(stored, keeping, Math.max(0, freshMs - ageMs), Math.max(staleMs, errorMs, afterMs))
    return (await entries.keep(key, token, entry, budget)) !== undefined
  }

  /** @param token The load that its first key was led by; '' when that was the key of the URL */
  async function keepVariant(
    found: Found,
    index: VariantIndex,
    stored: StoredResponse,
    headers: IncomingHttpHeaders,
    keeping: Keeping,
    token: string,
  ): Promise<boolean> {
    const { base, budget } = found
    const [key = '', alias] = variants.keysOf(base, index, headers, stored)
    if (!(await keepAt(key, stored, keeping, token, budget))) return false
    if (alias !== undefined) await keepAt(alias, stored, keeping, '', budget)
    const oldest = variants.note(base, index, key)
    if (oldest !== undefined) await entries.drop(oldest, budget)
    return true
  }

  async function keep(found: Found, stored: StoredResponse, { names, headers }: MadeFor, keeping: Keeping): Promise<boolean> {
    const { base, key, index, budget } = found
    if (index !== undefined) {
      if (names.every((name) => index.names.includes(name)))
        return keepVariant(found, index, stored, headers, keeping, keeping.token)
      variants.remember(base, { ...index, names: union(index.names, names) })
      await entries.drop(base, budget) // its variants are found by too few fields: the next one begins anew
      return false
    }
    if (names.length === 0) return keepAt(key, stored, keeping, keeping.token, budget)
    const fresh = { kind: 'variants', generation: newToken(), names: union(variants.known(base)?.names ?? [], names) } as const
    await keepVariant(found, fresh, stored, headers, keeping, '')
    variants.remember(base, fresh)
    return (await entries.keep(base, keeping.token, entryOf(fresh, { ...keeping, tags: [] }, INDEX_MS, 1), budget)) !== undefined
  }

  function isFresh({ entry }: Looked): boolean {
    return entry !== undefined && entry.storedAt + entry.freshMs > adapter.now()
  }

  return {
    near(base, headers) {
      const copy = copyOf(base)
      if (copy?.kind !== 'variants') return copy?.kind === 'response' ? copy : undefined
      for (const key of variants.keysFor(base, copy, headers)) {
        const variant = copyOf(key)
        if (variant?.kind === 'response') return variant
      }
      return undefined
    },

    async look(base, headers, budget) {
      const guess = variants.known(base)
      const guessed = guess === undefined ? [] : variants.keysFor(base, guess, headers)
      const [looked, ...others] = await lookAt([base, ...guessed], budget)
      if (looked === undefined) throw new Error('A look at a key has a result')
      const stored = storedIn(base, looked)
      if (stored?.kind !== 'variants') return { base, key: base, index: undefined, looked, stored, budget }
      const isGuessed = stored.generation === guess?.generation
      const keys = isGuessed ? guessed : variants.keysFor(base, stored, headers)
      if (!isGuessed) variants.remember(base, stored)
      const all = isGuessed ? others : await lookAt(keys, budget)
      const there = all.findIndex(({ entry }) => entry !== undefined)
      const at = Math.max(0, there)
      const [key = base, variant = looked] = [keys[at], all[at]]
      const found = storedIn(key, variant)
      return { base, key, index: stored, looked: variant, stored: found?.kind === 'variants' ? undefined : found, budget }
    },

    async keep(found, stored, madeFor, keeping) {
      const isKept = await keep(found, stored, madeFor, keeping)
      near?.forget(found.key)
      // What is not fresh any more has no copies, and a mark none that matter; what was made anew before has.
      if (isKept && found.stored?.kind !== 'pass' && isFresh(found.looked))
        await adapter.events.publish(entries.channel, found.key)
      return isKept
    },

    async mark({ key, budget }, keeping) {
      await entries.keep(key, keeping.token, entryOf({ kind: 'pass' }, { ...keeping, tags: [] }, MARK_MS, 1), budget)
    },

    async drop(base, budget) {
      near?.forget(base)
      await entries.drop(base, budget)
      near?.forget(base)
    },
  }
}

function union(some: readonly string[], others: readonly string[]): string[] {
  return [...new Set([...some, ...others])].toSorted((a, b) => (a < b ? -1 : 1))
}
