// Starts the examples as a reader of the README does, and asks them over real connections.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { killGroup, start } from './command.mjs'
import { TSX } from './repo.mjs'

const START_MS = 120_000
const STOP_MS = 5_000

export const smokes = [
  { name: 'npm start', run: () => smoke('npm', ['start']) },
  { name: 'examples/koa-api', run: () => smoke(process.execPath, [...TSX, 'examples/koa-api/main.ts']) },
]

async function smoke(command, args) {
  const { REDIS_URL: _, ...env } = process.env
  const child = start(command, args, { env: { ...env, PORT: String(await freePort()) } })
  const server = { child, output: '', exit: once(child, 'exit').catch((error) => [error.message]) }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (server.output += chunk))
  try {
    const address = await addressOf(server)
    await expectHome(address)
    await expectLimit(address)
    await expectStop(server, address)
  } catch (error) {
    throw new Error(`${error.message}\n${server.output}`, { cause: error })
  } finally {
    killGroup(child)
  }
}

async function addressOf(server) {
  for (const end = Date.now() + START_MS; Date.now() < end; await wait(50)) {
    const [address] = /http:\/\/(?:127\.0\.0\.1|localhost):\d+/.exec(server.output) ?? []
    if (address !== undefined) return address
    const { exitCode, pid } = server.child
    if (exitCode !== null || pid === undefined) throw new Error(`ended with ${exitCode} before it printed its address`)
  }
  throw new Error(`printed no address within ${START_MS} ms`)
}

async function expectHome(address) {
  const { status } = await get(`${address}/`)
  if (status !== 200) throw new Error(`GET / answered ${status}, not 200`)
}

async function expectLimit(address) {
  let limit = Number.POSITIVE_INFINITY
  for (let sent = 1; sent <= limit + 5; sent++) {
    const { status, headers } = await get(`${address}/api`)
    if (status === 429) return expectRetryAfter(headers)
    if (status !== 200) throw new Error(`GET /api answered ${status}, neither 200 nor 429`)
    limit = announcedLimit(headers)
  }
  throw new Error(`GET /api was never refused, in ${limit + 5} requests with a limit of ${limit}`)
}

function announcedLimit(headers) {
  const policy = headers.get('ratelimit-policy') ?? ''
  const limits = [...policy.matchAll(/;\s*q=(\d+)/g)].map(([, units]) => Number(units))
  if (limits.length === 0) throw new Error(`GET /api announces no limit: RateLimit-Policy is ${JSON.stringify(policy)}`)
  return Math.min(...limits)
}

function expectRetryAfter(headers) {
  const value = headers.get('retry-after')
  if (!/^\d+$/.test(value ?? '')) throw new Error(`GET /api answered 429 with Retry-After ${JSON.stringify(value)}`)
}

async function expectStop({ child, exit }, address) {
  child.kill('SIGTERM')
  const [code, signal] = await Promise.race([exit, wait(STOP_MS, ['no exit'], { ref: false })])
  if (code !== 0) throw new Error(`SIGTERM was followed by ${signal ?? code} within ${STOP_MS} ms, not by exit code 0`)
  const stillThere = await get(`${address}/`).catch(() => undefined)
  if (stillThere !== undefined) throw new Error(`${address} still answers after the exit`)
}

async function get(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  await response.arrayBuffer()
  return response
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
