import { idempotency as onExpress } from '@holdfast/idempotency/express'
import { idempotency as onKoa } from '@holdfast/idempotency/koa'
import { type IdempotencyMiddlewareOptions, idempotency as onNode } from '@holdfast/idempotency/node'
import type { Bindings } from '@holdfast/test/frameworks'
import { type RawRequest, type RawResponse, request } from '@holdfast/test/raw-http'

type Options = Omit<IdempotencyMiddlewareOptions<unknown>, 'scope'> & { readonly scope?: 'public' | (() => string) }

/** The same middlewares by their three bindings. */
export function idempotent(...each: readonly Options[]): Bindings {
  const all = each.map((options) => ({ scope: 'public' as const, ...options }))
  return {
    node: () => all.map((options) => onNode(options)),
    express: () => all.map((options) => onExpress(options)),
    koa: () => all.map((options) => onKoa(options)),
  }
}

/** A POST of some JSON with a key. */
export function post(
  port: number,
  { key = '"8e03978e"', ...rest }: RawRequest & { readonly key?: string } = {},
): Promise<RawResponse> {
  return request(port, { path: '/payments', body: '{"amount":5}', ...keyed(key, rest) })
}

export function keyed(key: string, { headers, ...rest }: RawRequest = {}): RawRequest {
  return { method: 'POST', ...rest, headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, ...headers } }
}
