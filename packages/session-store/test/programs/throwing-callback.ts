import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing } from '@holdfast/adapter/testing'
import { sessionStore } from '@holdfast/session-store/express'

const adapter = failing(memoryAdapter())
adapter.recover()
const store = sessionStore({ adapter })

process.on('uncaughtException', (error) => {
  console.log(`caught ${error.message}`)
  adapter.fail()
  void store.destroy('id')
  void store.get('id')
  setImmediate(() => console.log('alive'))
})

store.get('id', () => {
  console.log('called')
  throw new Error('thrown by the callback')
})
