/**
 * Lets a request send the id that its session has now, in place of the one that the client came with: koa-session itself would go on
 * with the old one.
 */
export function sendNewId(
  ctx: { readonly cookies: object; readonly sessionOptions?: object | undefined },
  from: string,
  to: string,
): void {
  const { cookies, sessionOptions } = ctx
  if (sessionOptions === undefined || Reflect.get(sessionOptions, 'externalKey') !== undefined) return
  const set: unknown = Reflect.get(cookies, 'set')
  if (typeof set !== 'function') return
  Reflect.set(cookies, 'set', (name: unknown, value: unknown, options: unknown) => {
    Reflect.apply(set, cookies, [name, value === from ? to : value, options])
    return cookies
  })
  const { maxAge, ...options } = Object.fromEntries(Object.entries(sessionOptions))
  const lasts = typeof maxAge === 'number' ? { maxAge } : {}
  Reflect.apply(set, cookies, [options['key'], to, { ...options, ...lasts }])
}
