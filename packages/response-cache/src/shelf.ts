import type { IncomingHttpHeaders } from 'node:http'
import type { Adapter } from '@holdfast/adapter'
import { newToken } from '@holdfast/adapter/lease'
import { createLru } from '@holdfast/adapter/lru'
import type { Budget, Entries, Looked, Moment } from '@holdfast/cache/engine'
import { fieldsOf, joined } from './rfc/fields.ts'
import { preferredLanguage, variantOf } from './rfc/vary.ts'
import { decoded, encoded, type Stored, type StoredResponse, type VariantIndex } from './stored.ts'

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
  /** The load that it comes from. */
  readonly token: string
}

export interface Shelf {
  look(base: string, headers: IncomingHttpHeaders, budget: Budget): Promise<Found>
  /**
   * Keeps a response: under the key of its URL, or among its variants when it depends on fields of the request.
   *
   * @param names The fields of the request that it depends on, in lower case
   * @returns Whether it is there
   */
  keep(
    found: Found,
    stored: StoredResponse,
    by: { names: readonly string[]; headers: IncomingHttpHeaders },
    keeping: Keeping,
  ): Promise<boolean>
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
/** What is remembered of indexes, in characters of their keys. */
const REMEMBERED = 2 ** 20

export function createShelf(
  adapter: Adapter,
  entries: Entries,
  { maxVariants, anyOrder }: { readonly maxVariants: number; readonly anyOrder: boolean },
): Shelf {
  const indexes = createLru<VariantIndex>({ maxBytes: REMEMBERED, sizeOf: sizeOfIndex, now: adapter.now })
  const kept = createLru<Map<string, string>>({ maxBytes: REMEMBERED, sizeOf: (all) => 64 * (1 + all.size), now: adapter.now })

  function variantKey({ base, generation }: { base: string; generation: string }, variant: string): string {
    return `${base}\n${generation}\n${variant}`
  }

  /** The keys of what a request may get, the best first. */
  function variantKeys(base: string, { names, generation }: VariantIndex, headers: IncomingHttpHeaders): string[] {
    const own = variantKey({ base, generation }, variantOf(headers, names, { anyOrder }))
    const language = anyOrder && names.includes('accept-language') ? preferredLanguage(headers) : undefined
    if (language === undefined) return [own]
    return [own, variantKey({ base, generation }, variantOf(headers, names, { anyOrder, language }))]
  }

  function entryOf(stored: Stored, { epoch, clock, tags }: Omit<Keeping, 'token'>, freshMs: number, errorMs: number) {
    return { epoch, clock, tags, storedAt: adapter.now(), freshMs, staleMs: 0, errorMs, loadMs: 0, body: encoded(stored) }
  }

  async function keepAt(key: string, stored: StoredResponse, keeping: Keeping, token: string, budget: Budget): Promise<boolean> {
    const { freshMs, ageMs, staleMs, errorMs, rawHeaders } = stored
    const fields = fieldsOf(rawHeaders)
    const afterMs = fields.has('etag') || fields.has('last-modified') ? VALIDATED_MS : 1
    const entry = entryOf(stored, keeping, Math.max(0, freshMs - ageMs), Math.max(staleMs, errorMs, afterMs))
    return (await entries.keep(key, token, entry, budget)) !== undefined
  }

  /** Notes that a variant is there, and makes room for it. */
  async function noteVariant(base: string, generation: string, key: string, budget: Budget): Promise<void> {
    const noted = `${base}\n${generation}`
    const all = kept.get(noted) ?? new Map<string, string>()
    all.delete(key)
    all.set(key, key)
    kept.set(noted, all, INDEX_MS)
    const [oldest] = all.keys()
    if (all.size <= maxVariants || oldest === undefined) return
    all.delete(oldest)
    await entries.drop(oldest, budget)
  }

  async function keepVariant(
    base: string,
    index: VariantIndex,
    stored: StoredResponse,
    headers: IncomingHttpHeaders,
    keeping: Keeping,
    token: string,
    budget: Budget,
  ): Promise<boolean> {
    const { generation, names } = index
    const key = variantKey({ base, generation }, variantOf(headers, names, { anyOrder }))
    const isKept = await keepAt(key, stored, keeping, token, budget)
    const language = anyOrder && names.includes('accept-language') ? languageOf(stored) : undefined
    if (isKept && language !== undefined) {
      await keepAt(
        variantKey({ base, generation }, variantOf(headers, names, { anyOrder, language })),
        stored,
        keeping,
        '',
        budget,
      )
    }
    if (isKept) await noteVariant(base, generation, key, budget)
    return isKept
  }

  return {
    async look(base, headers, budget) {
      const guess = indexes.get(base)
      const guessed = guess === undefined ? [] : variantKeys(base, guess, headers)
      const [looked, ...variants] = await entries.look([base, ...guessed], budget)
      if (looked === undefined) throw new Error('A look at a key has a result')
      const stored = looked.entry && decoded(looked.entry.body)
      if (stored?.kind !== 'variants') return { base, key: base, index: undefined, looked, stored, budget }
      const isGuessed = stored.generation === guess?.generation
      const keys = isGuessed ? guessed : variantKeys(base, stored, headers)
      if (!isGuessed) indexes.set(base, stored, INDEX_MS)
      const all = isGuessed ? variants : await entries.look(keys, budget)
      const at = Math.max(
        0,
        all.findIndex(({ entry }) => entry !== undefined),
      )
      const variant = all[at] ?? looked
      const found = variant.entry && decoded(variant.entry.body)
      return {
        base,
        key: keys[at] ?? base,
        index: stored,
        looked: variant,
        stored: found?.kind === 'variants' ? undefined : found,
        budget,
      }
    },

    async keep({ base, key, index, budget }, stored, { names, headers }, { token, ...moment }) {
      const keeping = { ...moment, token }
      if (index !== undefined) {
        if (names.every((name) => index.names.includes(name))) {
          return keepVariant(base, index, stored, headers, keeping, token, budget)
        }
        indexes.set(base, { ...index, names: union(index.names, names) }, INDEX_MS)
        await entries.drop(base, budget) // its variants are found by too few fields: the next one begins anew
        return false
      }
      if (names.length === 0) return keepAt(key, stored, keeping, token, budget)
      const fresh = { kind: 'variants', generation: newToken(), names: union(indexes.get(base)?.names ?? [], names) } as const
      await keepVariant(base, fresh, stored, headers, keeping, '', budget)
      const entry = entryOf(fresh, { ...moment, tags: [] }, INDEX_MS, 1)
      indexes.set(base, fresh, INDEX_MS)
      return (await entries.keep(base, token, entry, budget)) !== undefined
    },

    async mark({ key, budget }, { token, ...moment }) {
      await entries.keep(key, token, entryOf({ kind: 'pass' }, { ...moment, tags: [] }, MARK_MS, 1), budget)
    },

    drop: (base, budget) => entries.drop(base, budget),
  }
}

function union(some: readonly string[], others: readonly string[]): string[] {
  return [...new Set([...some, ...others])].toSorted((a, b) => (a < b ? -1 : 1))
}

function sizeOfIndex({ generation, names }: VariantIndex): number {
  return generation.length + names.join().length + 64
}

function languageOf({ rawHeaders }: StoredResponse): string | undefined {
  const language = joined(fieldsOf(rawHeaders), 'content-language')?.toLowerCase()
  return language === undefined || language.includes(',') ? undefined : language
}
