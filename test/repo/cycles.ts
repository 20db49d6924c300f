import type { SourceTree } from './source-tree.ts'

/** Files that import each other, in a circle. Imports of types count: they tie files together just as well. */
export function cycles({ files, edges }: SourceTree): string[] {
  const next = new Map([...files.keys()].map((path): [string, string[]] => [path, []]))
  for (const edge of edges) if (edge.kind === 'file' && files.has(edge.path)) next.get(edge.from.path)?.push(edge.path)

  const done = new Set<string>()
  const found: string[] = []

  function visit(path: string, trail: readonly string[]): void {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (done.has(path)) return
    done.add(path)
    for (const each of next.get(path) ?? []) visit(each, [...trail, path])
  }

  for (const path of next.keys()) visit(path, [])
  return found.map((circle) => `${circle}: a cycle`)
}
