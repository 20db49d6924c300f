/** Fields of the connection and of the whole request, that whoever copies the others may leave out. */
const LEFT_OUT = /^(host|connection|keep-alive|content-.*|transfer-encoding|te|upgrade|expect)$/
/** So many fields nobody reads one by one just in the order in which a client has sent them. */
const MANY = 4

/**
 * Sees that all fields of a request are copied, by their being read one after the other, in their order: to send them on, say. Fields that
 * it has not are then told of as well.
 *
 * @returns To be called with each that is read
 */
export function seesCopies(names: readonly string[], copied: () => void): (name: string) => void {
  const others = names.filter((name) => !LEFT_OUT.test(name))
  const order = others.length < MANY ? names : others
  const places = new Map(order.map((name, index) => [name, index]))
  let next = 0
  return (name) => {
    const at = places.get(name)
    if (at === undefined || at === next - 1) return // it may be read twice
    next = at === next || at === 0 ? at + 1 : 0
    if (next === order.length && next > 1) copied() // one alone, the host, is read for itself
  }
}
