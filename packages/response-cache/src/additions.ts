import type { ResponseHead } from '@holdfast/http'
import type { Assessment, Made } from './assess.ts'
import { groupsIn } from './groups.ts'
import type { Order } from './order.ts'
import { without } from './own-headers.ts'

/** What a response has besides what the handlers gave it: tags, and what tells them, and `Vary`, to the caches in between. */
export interface Additions {
  /** @param before The tags of what is stored, of a response that confirms or completes that: it need not say them again */
  gather(head: ResponseHead, before: readonly string[]): void
  fields(rawHeaders: readonly string[]): (readonly [name: string, value: string])[]
  /** What is stored has the fields as well: whoever asks next gets it with them. */
  to(made: Made): Made
}

/** @param tags To which those of the values of a cache come that the handlers use */
export function createAdditions(order: Order, { saidIn }: Pick<Assessment, 'saidIn'>, tags: Set<string>): Additions {
  const { exchange, vary, tagHeaders } = order

  function fields(rawHeaders: readonly string[]): (readonly [name: string, value: string])[] {
    const varies = vary.length === 0 ? [] : [['Vary', saidIn(rawHeaders).join(', ')] as const]
    const names = tags.size === 0 ? [] : tagHeaders
    const sent = [...tags].map((tag) => tag.replace(UNSENDABLE, encodeURIComponent))
    return [...varies, ...names.map((name) => [name, sent.join(name === 'Cache-Tag' ? ',' : ' ')] as const)]
  }

  return {
    fields,

    gather(head, before) {
      const groups = groupsIn(head.getHeader('cache-groups'), exchange.host)
      const said = order.said()?.tags ?? []
      for (const tag of [...before, ...order.tagsOf(), ...said, ...groups]) tags.add(tag)
    },

    to(made) {
      const added = fields(made.rawHeaders)
      const names = added.map(([name]) => name.toLowerCase())
      return { ...made, rawHeaders: [...without(made.rawHeaders, names), ...added.flat()] }
    },
  }
}

/** All but visible ASCII, which is all that a field can have for sure; a comma or a space would make two tags of one. */
const UNSENDABLE = /[^\x21-\x2b\x2d-\x7e]/gu
