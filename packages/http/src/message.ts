/** The request that what a framework hands to its handlers is about: what stands in front of Koa has it at hand as well. */
export function messageOf(native: object): object {
  const req: unknown = Reflect.get(native, 'req')
  return typeof req === 'object' && req !== null ? req : native
}
