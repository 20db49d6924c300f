import type { ServerResponse } from 'node:http'

/** The methods of a response that a capture lays its own over, as they were before. */
export interface Methods {
  writeHead(this: ServerResponse, ...args: unknown[]): ServerResponse
  write(this: ServerResponse, chunk: unknown, encoding?: unknown, callback?: unknown): boolean
  end(this: ServerResponse, chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse
  flushHeaders(this: ServerResponse): void
  destroy(this: ServerResponse, error?: Error): ServerResponse
}

/** Node's overloads say less than what its methods take: any of their arguments may be left out. */
function methodsOf(res: ServerResponse): Methods {
  return res
}

export function current(res: ServerResponse): Methods {
  const { writeHead, write, end, flushHeaders, destroy } = methodsOf(res)
  return { writeHead, write, end, flushHeaders, destroy }
}

export function replace(res: ServerResponse, methods: Partial<Methods>): void {
  Object.assign(methodsOf(res), methods)
}

/** Puts methods back where nobody has laid others over ours since; where somebody has, ours stay in between. */
export function putBack(res: ServerResponse, ours: Methods, below: Methods): void {
  const now = methodsOf(res)
  if (now.writeHead === ours.writeHead) now.writeHead = below.writeHead
  if (now.write === ours.write) now.write = below.write
  if (now.end === ours.end) now.end = below.end
  if (now.flushHeaders === ours.flushHeaders) now.flushHeaders = below.flushHeaders
  if (now.destroy === ours.destroy) now.destroy = below.destroy
}
