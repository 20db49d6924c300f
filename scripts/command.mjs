import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, WINDOWS } from './repo.mjs'

const TEN_MINUTES = 600_000

/**
 * Runs a command without a terminal, to its end.
 *
 * @returns What it printed
 * @throws {Error} with what it printed, when it fails or takes longer than `timeoutMs`
 */
export async function run(command, args = [], { cwd = root, timeoutMs = TEN_MINUTES } = {}) {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: !WINDOWS, shell: WINDOWS })
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
