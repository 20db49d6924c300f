import { type Edge, type Package, type SourceFile, type SourceTree, sourceOf } from './source-tree.ts'

/** A package imports only packages of the layers below its own. */
const LAYERS: Readonly<Record<string, number>> = {
  adapter: 1,
  http: 1,
  'rate-limit': 2,
  lock: 2,
  idempotency: 2,
  'session-store': 2,
  cache: 2,
  'response-cache': 3,
}

export function packageRules({ files, packages, edges }: SourceTree): string[] {
  return [
    ...[...packages.values()].flatMap((each) => [...layerless(each), ...crookedEntries(each, files)]),
    ...edges.flatMap((edge) => [...wrongLayer(edge, packages), ...undeclared(edge)]),
    ...[...files.values()].flatMap(passedOn),
  ]
}

function layerless({ folder }: Package): string[] {
  return layerOf(folder) === undefined ? [`packages/${folder} has no layer: give it one in the table of layers`] : []
}

function crookedEntries({ folder, exports }: Package, files: ReadonlyMap<string, SourceFile>): string[] {
  return Object.entries(exports).flatMap(([entry, target]) => {
    const source = `./src/${entry === '.' ? 'index' : entry.slice(2)}.ts`
    if (sourceOf(target) !== source || source.split('/').length > 3) {
      return [
        `packages/${folder} exports ${entry} from ${sourceOf(target)}: an entry is one file directly under src, by its own name`,
      ]
    }
    return files.has(`packages/${folder}/${source.slice(2)}`) ? [] : [`packages/${folder} exports ${entry}, but has no ${source}`]
  })
}

function wrongLayer(edge: Edge, packages: ReadonlyMap<string, Package>): string[] {
  if (edge.kind !== 'ours') return []
  const { from, specifier, folder, entry } = edge
  const target = packages.get(folder)
  if (target === undefined || !(entry in target.exports)) return [`${from.path} imports ${specifier}, which no package exports`]
  const [own, below] = [layerOf(from.package.folder), layerOf(folder)]
  if (own === undefined || below === undefined || below < own) return []
  return [
    `${from.path} imports ${specifier}: a package of layer ${own} imports only from layers below it, not from layer ${below}`,
  ]
}

function undeclared(edge: Edge): string[] {
  const { from, specifier } = edge
  if (edge.kind === 'builtin')
    return specifier.startsWith('node:') ? [] : [`${from.path} imports ${specifier}: write node:${specifier}`]
  if (edge.kind === 'file') return []
  const name = edge.kind === 'ours' ? `@holdfast/${edge.folder}` : edge.dependency
  const declared = { ...from.package.dependencies, ...from.package.peerDependencies }
  if (name in declared || (edge.typeOnly && `@types/${name}` in declared)) return []
  return [
    `${from.path} imports ${specifier}, which is neither a dependency nor a peer dependency of packages/${from.package.folder}`,
  ]
}

function passedOn({ path, reexported }: SourceFile): string[] {
  const others = reexported.filter((specifier) => specifier.startsWith('@holdfast/'))
  return others.map((specifier) => `${path} exports names of ${specifier}: whoever wants them imports them from there`)
}

function layerOf(folder: string): number | undefined {
  return Object.hasOwn(LAYERS, folder) ? LAYERS[folder] : undefined
}
