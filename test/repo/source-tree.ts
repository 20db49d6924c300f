import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { type Import, type Imports, importsOf } from './imports.ts'

/** A package as its package.json describes it. */
export interface Package {
  /** Its name under packages/. */
  readonly folder: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, unknown>>
  readonly peerDependencies?: Readonly<Record<string, unknown>>
}

export interface SourceFile extends Imports {
  /** From the root of the repository: packages/lock/src/index.ts */
  readonly path: string
  readonly package: Package
  /** From the package's src: index.ts, redis/client.ts */
  readonly name: string
  readonly isEntry: boolean
}

/** An import, and where it leads. */
export type Edge = Import & { readonly from: SourceFile } & (
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'builtin' }
    | { readonly kind: 'ours'; readonly folder: string; readonly entry: string }
    | { readonly kind: 'dependency'; readonly dependency: string }
  )

export interface SourceTree {
  readonly files: ReadonlyMap<string, SourceFile>
  readonly packages: ReadonlyMap<string, Package>
  readonly edges: readonly Edge[]
}

export function readSourceTree(sources: ReadonlyMap<string, string>, packages: readonly Package[]): SourceTree {
  const byFolder = new Map(packages.map((each) => [each.folder, each]))
  const files = new Map<string, SourceFile>()
  for (const [path, source] of sources) {
    const [, folder = '', name = ''] = /^packages\/([^/]+)\/src\/(.+)$/.exec(path) ?? []
    const owner = byFolder.get(folder)
    if (owner === undefined) throw new Error(`${path} belongs to no package`)
    files.set(path, {
      ...importsOf(path, source),
      path,
      name,
      package: owner,
      isEntry: entriesOf(owner).includes(`./src/${name}`),
    })
  }
  return { files, packages: byFolder, edges: [...files.values()].flatMap((from) => from.imports.map((each) => edge(from, each))) }
}

/** The sources that a package exports. */
function entriesOf({ exports }: Package): string[] {
  return Object.values(exports).flatMap((entry) => sourceOf(entry) ?? [])
}

export function sourceOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null || !('@holdfast/source' in entry)) return undefined
  return String(entry['@holdfast/source'])
}

function edge(from: SourceFile, found: Import): Edge {
  const { specifier } = found
  if (specifier.startsWith('.')) return { ...found, from, kind: 'file', path: posix.join(posix.dirname(from.path), specifier) }
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return { ...found, from, kind: 'builtin' }
  const [scope = '', name = '', ...rest] = specifier.split('/')
  if (scope === '@holdfast') return { ...found, from, kind: 'ours', folder: name, entry: ['.', ...rest].join('/') }
  return { ...found, from, kind: 'dependency', dependency: scope.startsWith('@') ? `${scope}/${name}` : scope }
}
