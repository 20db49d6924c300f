import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, WINDOWS } from './repo.mjs'

const TEN_MINUTES = 600_000

const running = new Set()
process.on('exit', () => running.forEach(killGroup))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** Starts a command without a terminal, in a process group of its own: nothing that it starts outlives this process. */
export function start(command, args, { cwd = root, env = process.env, output = 'pipe' } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', output, output], detached: !WINDOWS, shell: WINDOWS })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/**
 * Runs a command to its end.
 *
 * @returns What it printed
 * @throws {Error} with what it printed, when it fails or takes longer than `timeoutMs`
 */
export async function run(command, args = [], { cwd, timeoutMs = TEN_MINUTES } = {}) {
  const child = start(command, args, { cwd, env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined } })
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk))
  const timer = setTimeout(() => killGroup(child), timeoutMs)
  const reason = await ended(child)
  clearTimeout(timer)
  const output = Buffer.concat(chunks).toString()
  if (reason === undefined) return output
  throw new Error(`${[command, ...args].join(' ')} ${reason}\n${output}`)
}

/** Runs a tool of the workspace. */
export function tool(name, ...args) {
  return run(join(root, 'node_modules/.bin', name), args)
}

/** Ends a child that leads a process group, and whatever it has started. */
export function killGroup({ pid }) {
  if (pid === undefined) return
  try {
    process.kill(WINDOWS ? pid : -pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function ended(child) {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`can't run: ${error.message}`))
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? code}`))
  })
}
