import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startBank } from './bank.ts'

// Two servers. Sends the same POST five times at once, kills a server in the middle of another, and sends that to the other again.
const { REDIS_URL } = process.env
if (!REDIS_URL) {
  console.error('Set REDIS_URL: a server that is killed has to leave its keys somewhere')
  process.exit(1)
}
const main = fileURLToPath(new URL('main.ts', import.meta.url))
const bank = await startBank(1_000)
const [one, other] = await Promise.all([startServer(), startServer()])

console.log('1. The same POST, five times at once, to both servers:')
const first = randomUUID()
const responses = await Promise.all([one, other, one, other, one].map((server) => pay(server, first, 5)))
for (const response of responses) console.log(`   ${response}`)
console.log(`   The bank was told to charge ${bank.charges.length} time\n`)

console.log('2. Once more, and then with another amount:')
console.log(`   ${await pay(other, first, 5)}`)
console.log(`   ${await pay(other, first, 6)}\n`)

console.log('3. Another payment, whose server is killed when the bank has charged; and again, to the other:')
const second = randomUUID()
const charged = bank.nextCharge()
const lost = pay(one, second, 7)
await charged
one.process.kill('SIGKILL')
console.log(`   ${await lost}`)
let response = await pay(other, second, 7)
while (response.startsWith('409')) {
  console.log(`   ${response}`)
  await wait(500)
  response = await pay(other, second, 7)
}
console.log(`   ${response}`)
console.log(`   The bank was told to charge ${bank.charges.length} times for two payments`)

other.process.kill('SIGTERM')
bank.close()

async function pay(server: Server, key: string, amount: number): Promise<string> {
  const headers = { 'Idempotency-Key': `"${key}"`, 'Content-Type': 'application/json', 'X-User': 'ann' }
  try {
    const sent = await fetch(`${server.url}/payments`, { method: 'POST', headers, body: JSON.stringify({ amount }) })
    const replayed = sent.headers.has('Idempotent-Replayed') ? ', replayed' : ''
    const again = sent.headers.get('Retry-After')
    return `${sent.status}${replayed}${again === null ? '' : `, again in ${again} s`}: ${await sent.text()}`
  } catch {
    return 'no response: the connection was lost'
  }
}

interface Server {
  readonly process: ChildProcess
  readonly url: string
}

async function startServer(): Promise<Server> {
  const env = { ...process.env, PORT: '0', BANK_URL: bank.url }
  const child = spawn(process.execPath, ['--conditions=@holdfast/source', '--import', 'tsx', main], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill())
  const said = String(await once(child.stdout, 'data'))
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? []
  if (url === undefined) throw new Error(`The server says nothing of its address: ${said}`)
  return { process: child, url }
}
