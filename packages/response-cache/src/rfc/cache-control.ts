/** The directives of a `Cache-Control` field by their names in lower case; the value of one without a value is ''. */
export type Directives = ReadonlyMap<string, string>

const NONE: Directives = new Map()
const DIRECTIVE = /[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?([^,]*)/y

/**
 * The directives in a field: RFC 9111, section 5.2. Of one that is repeated the first counts.
 *
 * A directive with something after its value is no directive, and its value is not taken for another.
 */
export function directivesIn(field: string | undefined): Directives {
  if (field === undefined || field === '') return NONE
  const directives = new Map<string, string>()
  DIRECTIVE.lastIndex = 0
  for (let match = DIRECTIVE.exec(field); match !== null; match = DIRECTIVE.exec(field)) {
    const [, name = '', quoted, token = '', rest = ''] = match
    const key = name.toLowerCase()
    if (rest.trim() === '' && !directives.has(key)) directives.set(key, quoted?.replaceAll(/\\(.)/g, '$1') ?? token)
  }
  return directives
}

const QUOTED = /"(?:[^"\\]|\\.)*"/g
const FORBIDDING = /(?:^|[\s,;])(no-store|private)(?=$|[\s,;]|=[^"])/i

/** What forbids storing in a field that is not written as it should be: `max-age=60; private` means it. */
export function meantToForbid(field: string | undefined): 'no-store' | 'private' | undefined {
  const word = FORBIDDING.exec(field?.replaceAll(QUOTED, '""') ?? '')?.[1]?.toLowerCase()
  return word === 'no-store' || word === 'private' ? word : undefined
}

/** 68 years: what a cache takes for a greater number of seconds. RFC 9111, section 1.2.2. */
const MOST_SECONDS = 2 ** 31

/** The seconds that a directive says, in milliseconds. What is no number of seconds is none: RFC 9111, section 4.2.1, calls it stale. */
export function msOf(directives: Directives, name: string): number | undefined {
  const value = directives.get(name)
  return value === undefined ? undefined : secondsIn(value) * 1_000
}

function secondsIn(value: string): number {
  return /^\d+$/.test(value) ? Math.min(Number(value), MOST_SECONDS) : 0
}
