// Installs the packed packages where nothing else of this repository is, and loads them as an app does.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command.mjs'
import { tarballs } from './packed.mjs'
import { packages } from './repo.mjs'

/** What an app brings along, and an entry loads: the store extends express-session's own. */
const PEERS = ['express-session@1']

/** @throws {Error} when an entry can't be imported or required, or the two don't export the same */
export async function loadEntries() {
  const cwd = mkdtempSync(join(tmpdir(), 'holdfast-app-'))
  try {
    writeFileSync(join(cwd, 'package.json'), '{ "private": true }\n')
    writeFileSync(join(cwd, 'load.mjs'), LOAD)
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs(), ...PEERS], { cwd })
    for (const options of [[], withoutRequireOfModules()])
      await run(process.execPath, [...options, 'load.mjs', ...entries()], { cwd })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

function entries() {
  return packages().flatMap(({ name, exports }) => Object.keys(exports).map((entry) => name + entry.slice(1)))
}

/** Older Nodes, and Jest, can't require an ES module: they get the CommonJS build. */
function withoutRequireOfModules() {
  return process.allowedNodeEnvironmentFlags.has('--experimental-require-module') ? ['--no-experimental-require-module'] : []
}

const LOAD = `
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const own = (loaded) => Object.keys(loaded).filter((name) => name !== '__esModule').sort()
for (const entry of process.argv.slice(2)) {
  const imported = await import(entry)
  const required = require(entry)
  assert.deepEqual(own(required), own(imported), entry + ' exports the same to import and to require')
  const isOneInstance = process.features.require_module === true
  assert.equal(/[/\\\\]dist[/\\\\]cjs[/\\\\]/.test(require.resolve(entry)), !isOneInstance, entry + ': ' + require.resolve(entry))
  if (isOneInstance) for (const name of own(imported)) assert.equal(required[name], imported[name], entry + ' is loaded once: ' + name)
}
`
