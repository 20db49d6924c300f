// The packages as npm will have them.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run, tool } from './command.mjs'
import { PNPM, packages, root } from './repo.mjs'

const folder = join(root, '.packed')

/** @throws {Error} when a package can't be packed, its package.json names what only this workspace knows, or it holds what builds leave */
export async function pack() {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const [command, ...args] = PNPM
  for (const each of packages()) {
    await run(command, [...args, 'pack', '--pack-destination', folder], { cwd: join(root, each.folder) })
  }
  for (const tarball of tarballs()) await Promise.all([checkManifest(tarball), checkFiles(tarball)])
}

/** The paths of the packed packages, one for each. */
export function tarballs() {
  const names = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  if (names.length !== packages().length) throw new Error(`.packed holds ${names.length} of ${packages().length} packages`)
  return names.map((name) => join(folder, name))
}

/** Runs a tool on every packed package. */
export async function lintTarballs(name, ...args) {
  for (const tarball of tarballs()) await tool(name, ...args, tarball)
}

async function checkManifest(tarball) {
  const manifest = await run('tar', ['-xzOf', tarball, 'package/package.json'])
  const [protocol] = /"(workspace|catalog|link|file):[^"]*"/.exec(manifest) ?? []
  if (protocol !== undefined) throw new Error(`${tarball} depends on ${protocol}, which only this workspace can resolve`)
}

async function checkFiles(tarball) {
  const paths = (await run('tar', ['-tzf', tarball])).split('\n')
  const left = paths.find((path) => path.endsWith('.tsbuildinfo'))
  if (left !== undefined) throw new Error(`${tarball} holds ${left}, which is of use only to builds in this workspace`)
}
