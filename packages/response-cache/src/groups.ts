import { parseList } from 'structured-headers'

/** The groups in a `Cache-Groups` or `Cache-Group-Invalidation` field, as tags: RFC 9875. They are those of one origin. A field that cannot be parsed has none. */
export function groupsIn(field: string | undefined, host: string): string[] {
  if (field === undefined) return []
  try {
    return parseList(field).flatMap(([name]) => (typeof name === 'string' && name !== '' ? [`group:${host}/${name}`] : []))
  } catch {
    return []
  }
}
