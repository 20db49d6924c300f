import type { Adapter } from '@holdfast/adapter'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { type Act, barrier, browser, closeServers, eachStage, type Fields } from './stage.ts'

closeServers()

/** Requests that are sent at the same time, in a session that begins with `first`. */
interface Wave {
  readonly act: Act
  readonly paths: readonly string[]
  readonly first: Fields
}

const ROUNDS = 20
const PARALLEL = 10

eachStage((stage) => {
  eachAdapter((makeAdapter) => {
    /** Two processes on one adapter, with requests that all have read the session before one of them writes. */
    async function parallel(adapter: Adapter, { act: writes, paths, first }: Wave): Promise<Fields> {
      const together = barrier(paths.length)
      const act: Act = async (visit) => {
        if (visit.path === '/first') return void Object.assign(visit.session, first)
        if (visit.path === '/all') return visit.session
        await together()
        return writes(visit)
      }
      const apps = [await stage.serve({ adapter }, act), await stage.serve({ adapter }, act)]
      const client = browser()
      await client.get(`${apps[0]?.url}/first`)
      await Promise.all(paths.map((path, at) => client.copy().get(`${apps[at % 2]?.url}${path}`)))
      const { cookie: _cookie, ...fields } = (await client.get(`${apps[0]?.url}/all`)).body as Fields
      return fields
    }

    it(`loses none of ${ROUNDS * PARALLEL} fields that ${PARALLEL} requests at a time write`, async () => {
      const adapter = makeAdapter()
      let lost = 0
      for (let round = 0; round < ROUNDS; round += 1) {
        const paths = Array.from({ length: PARALLEL }, (_, at) => `/field${at}`)
        const act: Act = ({ path, session }) => {
          session[path.slice(1)] = round
        }
        const fields = await parallel(adapter, { act, paths, first: { begun: true } })
        lost += paths.filter((path) => fields[path.slice(1)] !== round).length
      }
      expect(lost).toBe(0)
    }, 60_000)

    it('merges objects, keeps a delete, and leaves lists and big numbers as they are', async () => {
      const first = { cart: { a: 1, b: 2, deep: { x: [] } }, list: [], gone: 1, big: 9007199254740991, text: 'é "\\ \u2028' }
      const act: Act = ({ path, session }) => {
        const cart = session['cart'] as Fields
        if (path === '/add') cart['c'] = 3
        if (path === '/drop') delete cart['a']
        if (path === '/deep') (cart['deep'] as Fields)['y'] = {}
        if (path === '/delete') delete session['gone']
      }
      const merged = await parallel(makeAdapter(), { act, paths: ['/add', '/drop', '/deep', '/delete'], first })
      const { gone: _gone, ...kept } = first
      expect(merged).toEqual({ ...kept, cart: { b: 2, c: 3, deep: { x: [], y: {} } } })
    })

    it('counts exactly with update, also where a request changes more, before and after', async () => {
      const paths = Array.from({ length: PARALLEL }, (_, at) => `/${at}`)
      const act: Act = async ({ path, session, update }) => {
        session[`before${path.slice(1)}`] = true
        const isStored = await update((stored) => {
          stored['count'] = Number(stored['count'] ?? 0) + 1
        })
        if (!isStored || Number(session['count']) < 1) throw new Error('It shows what is stored')
        session[`after${path.slice(1)}`] = true
      }
      const fields = await parallel(makeAdapter(), { act, paths, first: { begun: true } })
      expect(fields['count']).toBe(PARALLEL)
      expect(Object.keys(fields)).toHaveLength(2 + 2 * PARALLEL)
    })
  })
})
