// Builds, and measures what was built: a TypeScript loader's own work must not be in the figures.
import { spawnSync } from 'node:child_process'
import { tool } from './command.mjs'
import { root } from './repo.mjs'

await tool('tsc', '-b')
const [what = 'main', ...rest] = process.argv.slice(2)
const { status } = spawnSync(process.execPath, ['--import', 'tsx', `bench/${what}.ts`, ...rest], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
