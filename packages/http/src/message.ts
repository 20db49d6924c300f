/** The request that what a framework hands to its handlers is about: what stands in front of Koa has it at hand as well. */
export function messageOf(native: object): object {
  const { req }: { readonly req?: unknown } = native
  return typeof req === 'object' && req !== null ? req : native
}
