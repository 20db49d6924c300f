/** How a query counts in a key. */
export interface QueryOptions {
  /** Whether the order of parameters does not matter. Defaults to false: the query counts as it was sent. */
  readonly sort?: boolean
  /** Parameters that do not count; one that ends in `*` stands for all that begin so. Defaults to none. */
  readonly ignore?: readonly string[]
}

export type KeyOf = (host: string, url: string) => string

const ABSOLUTE = /^https?:\/\/([^/?#]+)/i

/** The key of a URL: its host and what stands after it, with the query as the options say. A fragment is never part of it. */
export function createKeyOf({ sort = false, ignore = [] }: QueryOptions): KeyOf {
  const names = new Set(ignore.filter((name) => !name.endsWith('*')))
  const prefixes = ignore.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  const asSent = !sort && ignore.length === 0

  function counts(parameter: string): boolean {
    const name = nameOf(parameter)
    return !names.has(name) && !prefixes.some((prefix) => name.startsWith(prefix))
  }

  return (host, url) => {
    const [authority, target] = split(host, url)
    const question = target.indexOf('?')
    if (asSent || question === -1) return `${authority}${target}`
    const parameters = target
      .slice(question + 1)
      .split('&')
      .filter(counts)
    if (sort) parameters.sort(byName)
    return `${authority}${target.slice(0, question)}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`
  }
}

/** A request may have its target in absolute form, which then says the host: RFC 9112, section 3.2.2. */
function split(host: string, url: string): [string, string] {
  const [whole, absolute] = ABSOLUTE.exec(url) ?? ['', host]
  const rest = url.slice(whole.length)
  const hash = rest.indexOf('#')
  const target = hash === -1 ? rest : rest.slice(0, hash)
  return [(absolute ?? host).toLowerCase(), target.startsWith('/') || target === '*' ? target : `/${target}`]
}

/** Parameters of one name keep their order, which may matter. */
function byName(a: string, b: string): number {
  const [left, right] = [nameOf(a), nameOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
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
