/** How a query counts in a key. */
export interface QueryOptions {
  /** Whether the order of parameters does not matter. Defaults to false: the query counts as it was sent. */
  readonly sort?: boolean
  /** Parameters that do not count; one that ends in `*` stands for all that begin so. Defaults to none. */
  readonly ignore?: readonly string[]
}

/**
 * The key of a request, by its `Host` and its target; or of an absolute URL, without its fragment.
 *
 * Whatever handlers see of the two is in it: a request with a host of its own, or with a fragment, shares nothing with others.
 */
export type KeyOf = (host: string | undefined, url: string) => string

const ABSOLUTE = /^https?:\/\/([^/?#]+)/i
const NO_HOST: readonly [string, undefined] = ['', undefined]
const HOSTILE = /[/?#\\]/

/** Keys have the host and what stands after it, with the query as the options say. */
export function createKeyOf({ sort = false, ignore = [] }: QueryOptions): KeyOf {
  const names = new Set(ignore.filter((name) => !name.endsWith('*')))
  const prefixes = ignore.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  const asSent = !sort && ignore.length === 0

  function counts({ name }: Parameter): boolean {
    return !names.has(name) && !prefixes.some((prefix) => name.startsWith(prefix))
  }

  return (host, url) => {
    const [authority, target] = split(host, url)
    const question = target.indexOf('?')
    if (asSent || question === -1) return `${authority}${target}`
    const parameters = target
      .slice(question + 1)
      .split('&')
      .map((sent) => ({ sent, name: nameOf(sent) })) // once: a name that cannot be decoded takes long to throw
      .filter(counts)
    if (sort) parameters.sort(byName)
    const query = parameters.map(({ sent }) => sent).join('&')
    return `${authority}${target.slice(0, question)}${parameters.length === 0 ? '' : `?${query}`}`
  }
}

/** A request may have its target in absolute form, which then says the host: RFC 9112, section 3.2.2. Handlers go by `Host` still. */
function split(host: string | undefined, url: string): [string, string] {
  const [whole, absolute] = (url.startsWith('/') ? null : ABSOLUTE.exec(url)) ?? NO_HOST
  const rest = url.slice(whole.length)
  const hash = host === undefined ? rest.indexOf('#') : -1
  const target = hash === -1 ? rest : rest.slice(0, hash)
  return [
    authorityOf(host?.toLowerCase(), absolute?.toLowerCase()),
    target.startsWith('/') || target === '*' ? target : `/${target}`,
  ]
}

/** A host has no slash, but a client may send one. */
function authorityOf(host: string | undefined, absolute: string | undefined): string {
  if (host === undefined || host === absolute) return absolute ?? ''
  const sent = HOSTILE.test(host) ? host.replace(/[/?#\\]/g, encodeURIComponent) : host
  return absolute === undefined ? sent : `${absolute} ${sent}`
}

interface Parameter {
  readonly sent: string
  readonly name: string
}

/** Parameters of one name keep their order, which may matter. */
function byName(left: Parameter, right: Parameter): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0
}

function nameOf(parameter: string): string {
  const equals = parameter.indexOf('=')
  const name = equals === -1 ? parameter : parameter.slice(0, equals)
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
