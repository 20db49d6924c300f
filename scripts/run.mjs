// Runs one of the repo's commands, after installing what it needs: a fresh clone has only node and npm.
import { spawn, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { PNPM, root, TSX, WINDOWS } from './repo.mjs'

const commands = {
  start: [...TSX, 'examples/express-api/main.ts'],
  test: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'],
  check: ['scripts/check.mjs'],
  bench: ['scripts/bench.mjs'],
}

const [name, ...rest] = process.argv.slice(2)
const command = commands[name]
if (command === undefined) {
  console.error(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [arguments]`)
  process.exit(2)
}
if (!isInstalled()) install()
const child = spawn(process.execPath, [...command, ...rest], { cwd: root, stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => process.exit(code ?? 1))

function isInstalled() {
  const installedAt = changedAt('node_modules/.modules.yaml')
  return installedAt !== undefined && installedAt >= changedAt('pnpm-lock.yaml')
}

function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs
}

function install() {
  console.error('Installing dependencies…')
  const [npx, ...args] = PNPM
  const { status } = spawnSync(npx, [...args, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: WINDOWS,
  })
  if (status !== 0) process.exit(status ?? 1)
}
