import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const SERVERS = ['redis-server', 'valkey-server']

/**
 * The path of a Redis server: one that is installed, or, as root on Debian, one that is installed now.
 *
 * @throws {Error} when there is none: tests against Redis are never skipped
 */
export function redisBinary(): string {
  return installed() ?? installedByApt() ?? fail()
}

function installed(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return SERVERS.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function installedByApt(): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined
  process.stderr.write('No Redis server on this machine: installing redis-server with apt-get\n')
  apt('update')
  apt('install', '-y', '--no-install-recommends', 'redis-server')
  return installed()
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const { status, stderr } = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`apt-get ${args[0]} failed: ${stderr}`)
}

function fail(): never {
  throw new Error(
    'The tests run against a real Redis: install redis-server or valkey-server, or set REDIS_URL to a server that they may write to',
  )
}
