import type { Edge, SourceFile, SourceTree } from './source-tree.ts'

const RANKS = ['entry', 'handler', 'engine', 'operations'] as const
type Rank = (typeof RANKS)[number]

/** What a file directly under src, or a folder there, is by its name. All others are helpers, free for every rank. */
const RANK_OF: Readonly<Record<string, Rank>> = {
  handler: 'handler',
  engine: 'engine',
  limiter: 'engine',
  operations: 'operations',
}

/** Adapter and http have no handlers: their `handler` and `operation` are what the others build on. */
const UNRANKED = ['adapter', 'http']

export function fileRules({ files, edges }: SourceTree): string[] {
  const ways = edges.filter((edge) => edge.kind === 'file')
  const helpersOnEngine = helpersReachingEngine(ways, files)
  return [
    ...ways.flatMap((edge) => {
      const to = files.get(edge.path)
      return to === undefined ? [lost(edge)] : upward(edge.from, to, helpersOnEngine)
    }),
    ...[...files.values()].flatMap(barrel),
  ]
}

function lost({ from, specifier, path }: FileEdge): string {
  const src = `packages/${from.package.folder}/src/`
  if (!path.startsWith(src)) return `${from.path} imports ${specifier}: a relative import stays within its package's src`
  return `${from.path} imports ${specifier}, which is not there: files are imported by their full name`
}

function upward(from: SourceFile, to: SourceFile, helpersOnEngine: ReadonlySet<SourceFile>): string[] {
  if (from.package !== to.package) return [`${from.path} imports ${to.path}: a relative import stays within its package's src`]
  if (to.isEntry) return [`${from.path} imports ${to.path}: an entry is for other packages, nothing of its own imports it`]
  const own = rankOf(from) ?? 'engine'
  const other = rankOf(to) ?? (helpersOnEngine.has(to) ? 'engine' : 'operations')
  if (RANKS.indexOf(other) >= RANKS.indexOf(own)) return []
  return [`${from.path} imports ${to.path}: ${own} imports nothing of ${other}, imports go ${RANKS.join(' -> ')}`]
}

/** A helper that uses the engine, directly or by another helper, is no helper for operations. */
function helpersReachingEngine(ways: readonly FileEdge[], files: ReadonlyMap<string, SourceFile>): ReadonlySet<SourceFile> {
  const found = new Set<SourceFile>()
  for (let before = -1; before < found.size; ) {
    before = found.size
    for (const { from, path } of ways) {
      const to = files.get(path)
      if (to !== undefined && rankOf(from) === undefined && (rankOf(to) === 'engine' || found.has(to))) found.add(from)
    }
  }
  return found
}

function rankOf(file: SourceFile): Rank | undefined {
  if (file.isEntry) return 'entry'
  const [name = ''] = file.name.replace(/\.ts$/, '').split('/')
  return UNRANKED.includes(file.package.folder) || !Object.hasOwn(RANK_OF, name) ? undefined : RANK_OF[name]
}

function barrel({ path, isEntry, isBarrel }: SourceFile): string[] {
  return isBarrel && !isEntry ? [`${path} only passes on what others export: barrels are for entries`] : []
}

type FileEdge = Extract<Edge, { kind: 'file' }>
