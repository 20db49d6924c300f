import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sessionStore } from '@holdfast/session-store/express'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import express from 'express'
import session from 'express-session'
import { browser } from './stage.ts'

eachAdapter((makeAdapter) => {
  it('shows a socket what requests have made of its session, and keeps what the socket makes of it', async () => {
    const store = sessionStore({ adapter: makeAdapter() })
    const sessions = session({ store, secret: 'a secret of the tests', resave: false, saveUninitialized: false })
    const app = express().use(sessions)
    app.get('/', (req, res) => {
      const pages = Number(Reflect.get(req.session, 'pages') ?? 0) + 1
      res.json(Object.assign(req.session, { pages }))
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // of a port
    const tab = browser()
    await tab.get(url)

    const cookie = [...tab.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    get(url, { headers: { cookie, connection: 'upgrade', upgrade: 'test' } }).on('error', () => {}) // it is cut in the end
    const [req, socket] = await once(server, 'upgrade')
    await new Promise((next) => sessions(req, Object({}), next))
    expect(req.session).toMatchObject({ pages: 1 })
    await tab.get(url)
    await new Promise((done) => req.session.reload(done))
    expect(req.session).toMatchObject({ pages: 2 })
    await tab.get(url)
    Object.assign(req.session, { messages: 1 })
    await new Promise((done) => req.session.save(done))
    expect((await tab.get(url)).body).toMatchObject({ pages: 4, messages: 1 })

    socket.destroy()
    server.close()
  })
})
