/** Gives a middleware the name of its handler: traces, and lists of an app's middlewares, show it. */
export function named<Middleware extends object>(middleware: Middleware, { name }: { readonly name: string }): Middleware {
  return Object.defineProperty(middleware, 'name', { value: name })
}
