import type { Adapter } from '@holdfast/adapter'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import { browser, closeServers, eachStage, gate } from './stage.ts'

closeServers()

const user = ({ user: name }: Record<string, unknown>): string | undefined => name as string | undefined

eachStage((stage) => {
  eachAdapter((makeAdapter) => {
    describe.each(['evict-oldest', 'reject'] as const)('a request that has read its session, with onMax %p', (onMax) => {
      it.each(['while', 'after'] as const)('is not counted %s its user gets another id', async (when) => {
        const real = makeAdapter()
        const listing = gate()
        let holdsNext = false
        const run: Adapter['run'] = async (operation, ...call) => {
          if (holdsNext && operation.name === 'session.see') {
            holdsNext = false
            await listing.pass()
          }
          return real.run(operation, ...call)
        }
        let late: Promise<unknown> = Promise.resolve()
        const letLateGo = (): Promise<unknown> => {
          listing.open()
          return late
        }
        const options = { adapter: { ...real, run }, user, maxPerUser: 1, onMax }
        const { url, store } = await stage.serve(options, async (visit) => {
          if (visit.path === '/') return
          if (visit.path === '/again') await visit.regenerate()
          if (visit.path === '/again' && when === 'while') await letLateGo()
          visit.session['user'] = 'ann'
          await visit.save()
          if (visit.path === '/again' && when === 'after') await letLateGo()
        })
        const client = browser()
        await client.get(`${url}/in`)
        holdsNext = true
        late = client.copy().get(url)
        await listing.reached
        expect((await client.get(`${url}/again`)).status).toBe(200)
        expect(await store.sessionsOf('ann')).toHaveLength(1)
      })
    })
  })
})
