import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { now } from '../clock.ts'
import { watchStalls } from '../stalls.ts'
import { connected } from './adapter.ts'
import { expressApp } from './express.ts'
import { koaApp } from './koa.ts'
import { say } from './said.ts'
import type { Setup } from './setup.ts'
import { siteOf } from './site.ts'

// One server, in a process of its own. What goes wrong in it ends it: nothing is caught here.
const setup = JSON.parse(process.env['CHAOS'] ?? '') as Setup
process.on('warning', (warning) => {
  const { name, message } = warning
  say({ type: 'warning', code: 'code' in warning ? String(warning.code) : name, message })
})
diagnostics.subscribe('holdfast.idempotency.failure', (event) => {
  const { key, call } = event as { key: string; call: string } // as the package's events.ts has it
  say({ type: 'unkept', key, call, at: now() })
})
const { adapter, close } = await connected(setup)
const site = siteOf(adapter, setup)
const server = createServer(setup.framework === 'express' ? expressApp(site) : koaApp(site)).listen(0, '127.0.0.1')
server.keepAliveTimeout = 0 // clients keep their connections while this process is stopped
await once(server, 'listening')
const address = server.address()
say({ type: 'listening', port: typeof address === 'object' && address !== null ? address.port : 0 })

process.on('message', () => {
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  say({ type: 'census', timers, listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0) })
})
const unwatch = watchStalls((span) => say({ type: 'stalled', ...span }))
const abandon = (): never => process.exit()
process.once('disconnect', abandon) // whoever watches it has died
process.once('SIGTERM', () => {
  process.off('disconnect', abandon)
  unwatch()
  server.close()
  server.closeAllConnections()
  process.disconnect()
  void close()
})
