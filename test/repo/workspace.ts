import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Package } from './source-tree.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The packages of this repository. */
export function packagesHere(): Package[] {
  const folders = readdirSync(join(root, 'packages')).filter((folder) =>
    existsSync(join(root, 'packages', folder, 'package.json')),
  )
  return folders.map(readPackage)
}

/** Their sources, by path from the root of the repository. */
export function sourcesHere(): Map<string, string> {
  const paths = packagesHere().flatMap(({ folder }) => sourcesUnder(`packages/${folder}/src`))
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

function sourcesUnder(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
}

function readPackage(folder: string): Package {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
  const { exports = {}, dependencies = {}, peerDependencies = {} } = record(manifest)
  return { folder, exports: record(exports), dependencies: record(dependencies), peerDependencies: record(peerDependencies) }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
