// Where things are in this repository.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** The one place that names pnpm's version: a fresh clone has only node and npm. */
export const PNPM = ['npx', '-y', 'pnpm@12.21.0']

export const TSX = ['node_modules/tsx/dist/cli.mjs', '--conditions=@holdfast/source']

export const WINDOWS = process.platform === 'win32'

/** The packages that are published: their folders, and what their package.json says. */
export function packages() {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ folder: `packages/${name}`, ...readJson(`packages/${name}/package.json`) }))
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
