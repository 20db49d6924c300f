import { parseSync } from '@swc/core'

/** One mention of another module in a source file. */
export interface Import {
  readonly specifier: string
  /** Nothing of it is left at run time. `import { type A }` is not: it still loads the module. */
  readonly typeOnly: boolean
}

export interface Imports {
  readonly imports: readonly Import[]
  /** The specifiers of which names are exported again, by `export from` or by way of an import. */
  readonly reexported: readonly string[]
  /** Whether all it does is to export names of others. */
  readonly isBarrel: boolean
}

type Node = Record<string, unknown>

const COMPUTED = '(computed)'

export function importsOf(path: string, source: string): Imports {
  const { body } = parse(path, source)
  const imports: Import[] = []
  for (const node of nodesIn(body)) {
    const found = importIn(node)
    if (found !== undefined) imports.push(found)
  }
  const statements = nodes(body)
  const reexported = reexportedBy(statements)
  return { imports, reexported, isBarrel: reexported.length > 0 && statements.every(isPassingOn) }
}

function parse(path: string, source: string): { body: unknown } {
  try {
    return parseSync(source, { syntax: 'typescript', target: 'es2023' })
  } catch (error) {
    throw new Error(`${path} can't be parsed`, { cause: error })
  }
}

function importIn(node: Node): Import | undefined {
  switch (node['type']) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return isNode(node['source']) ? { specifier: specifierIn(node['source']), typeOnly: node['typeOnly'] === true } : undefined
    case 'TsImportType':
      return { specifier: specifierIn(node['argument']), typeOnly: true }
    case 'TsExternalModuleReference':
      return { specifier: specifierIn(node['expression']), typeOnly: false }
    case 'CallExpression':
      return isNode(node['callee']) && node['callee']['type'] === 'Import' ? dynamicImport(node) : undefined
    default:
      return undefined
  }
}

function dynamicImport(call: Node): Import {
  const [argument] = nodes(call['arguments'])
  return { specifier: specifierIn(argument?.['expression']), typeOnly: false }
}

function reexportedBy(statements: readonly Node[]): string[] {
  const origins = new Map<string, string>()
  for (const statement of statements) {
    if (statement['type'] !== 'ImportDeclaration') continue
    for (const { local } of nodes(statement['specifiers'])) origins.set(nameIn(local), specifierIn(statement['source']))
  }
  return statements.flatMap((statement) => {
    if (!isExportList(statement)) return []
    if (isNode(statement['source'])) return [specifierIn(statement['source'])]
    return nodes(statement['specifiers']).flatMap(({ orig }) => origins.get(nameIn(orig)) ?? [])
  })
}

function isPassingOn(statement: Node): boolean {
  return statement['type'] === 'ImportDeclaration' || isExportList(statement)
}

function isExportList({ type }: Node): boolean {
  return type === 'ExportNamedDeclaration' || type === 'ExportAllDeclaration'
}

function* nodesIn(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const each of value) yield* nodesIn(each)
  if (!isNode(value)) return
  yield value
  for (const each of Object.values(value)) yield* nodesIn(each)
}

function nodes(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A template without holes says as much as a string. */
function specifierIn(node: unknown): string {
  if (!isNode(node)) return COMPUTED
  const [only, ...others] = nodes(node['quasis'])
  if (only !== undefined && others.length === 0) return String(only['cooked'])
  return node['type'] === 'StringLiteral' ? String(node['value']) : COMPUTED
}

function nameIn(node: unknown): string {
  return isNode(node) ? String(node['value']) : ''
}
