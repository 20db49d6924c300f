import type { Edge, SourceTree } from './source-tree.ts'

/** Where a library may be named. Patterns match paths from packages/. */
const HOMES: readonly { readonly libraries: readonly string[]; readonly home: RegExp; readonly typesOnly?: boolean }[] = [
  { libraries: ['express', 'express-session'], home: /^[^/]+\/src\/express\.ts$/, typesOnly: true },
  { libraries: ['koa', 'koa-session'], home: /^[^/]+\/src\/koa(\.ts$|\/)/, typesOnly: true },
  { libraries: ['ioredis', 'redis'], home: /^adapter\/src\/redis\// },
  { libraries: ['lru-cache'], home: /^adapter\/src\// },
]

/** The store extends express-session's own Store, and makes its Session and Cookie. */
const LOADED_AT_RUN_TIME = [{ path: 'packages/session-store/src/express.ts', library: 'express-session' }]

export function libraryRules({ edges }: SourceTree): string[] {
  return edges.flatMap((edge) => (edge.kind === 'dependency' ? strayed(edge) : []))
}

function strayed({ from, dependency, typeOnly }: Extract<Edge, { kind: 'dependency' }>): string[] {
  const rule = HOMES.find(({ libraries }) => libraries.includes(dependency))
  if (rule === undefined) return []
  if (!rule.home.test(from.path.slice('packages/'.length)))
    return [`${from.path} imports ${dependency}, which has no place there`]
  const mayLoad = LOADED_AT_RUN_TIME.some(({ path, library }) => path === from.path && library === dependency)
  if (rule.typesOnly !== true || typeOnly || mayLoad) return []
  return [`${from.path} loads ${dependency}: it is an optional peer, imported by \`import type\` alone`]
}
