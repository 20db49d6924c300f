import { cycles } from './cycles.ts'
import { fileRules } from './file-rules.ts'
import { libraryRules } from './library-rules.ts'
import { packageRules } from './package-rules.ts'
import { type Package, readSourceTree } from './source-tree.ts'

/** A violation that stands. It names the two files, as the violation does. */
export interface Exception {
  readonly from: string
  readonly to: string
  readonly why: string
}

/**
 * Checks who imports whom.
 *
 * @param files Sources by their path from the root of the repository
 * @param exceptions An exception that excuses nothing is a violation as well
 * @returns What is wrong, one sentence each
 */
export function violations(
  files: ReadonlyMap<string, string>,
  packages: readonly Package[],
  exceptions: readonly Exception[] = [],
): string[] {
  const tree = readSourceTree(files, packages)
  const found = [...packageRules(tree), ...fileRules(tree), ...libraryRules(tree), ...cycles(tree)]
  const excuses = exceptions.map((each) => ({ ...each, start: `${each.from} imports ${each.to}:` }))
  const unused = excuses.filter(({ start }) => !found.some((each) => each.startsWith(start)))
  return [
    ...found.filter((each) => !excuses.some(({ start }) => each.startsWith(start))),
    ...unused.map(({ from, to }) => `${from} no longer imports ${to}: remove the exception`),
  ]
}
