/** The fields of a message, by their names in lower case; a repeated field has several lines. */
export type Fields = ReadonlyMap<string, readonly string[]>

/** @param raw Names and values in turn, as Node's `rawHeaders` */
export function fieldsOf(raw: readonly string[]): Fields {
  const fields = new Map<string, string[]>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at]?.toLowerCase(), raw[at + 1]]
    const lines = fields.get(name)
    if (lines === undefined) fields.set(name, [value])
    else lines.push(value)
  }
  return fields
}

/** A field as one line: RFC 9110, section 5.3. */
export function joined(fields: Fields, name: string): string | undefined {
  return fields.get(name)?.join(', ')
}

/** RFC 9110, section 5.6.2. */
export const TOKEN: RegExp = /^[!#$%&'*+.^_`|~\w-]+$/

/** The members of a list of tokens, in lower case: RFC 9110, section 5.6.1. */
export function tokensIn(fields: Fields, name: string): string[] {
  const line = joined(fields, name)
  if (line === undefined) return []
  return line
    .split(',')
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '')
}
