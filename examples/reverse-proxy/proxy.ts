import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Dispatcher, Pool } from 'undici'

export type Proxy = (req: IncomingMessage, res: ServerResponse) => Promise<void>

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const NO_BODY = new Set([204, 304])

/** Passes every request on to `origin`, as it is but for the fields of one connection, and its answer back. */
export function createProxy(origin: string): Proxy {
  const pool = new Pool(origin)

  return async function proxy(req, res) {
    const answer = await ask(pool, req, res)
    res.statusCode = answer.statusCode
    const raw = answer.headers as unknown as readonly string[] // as `responseHeaders: 'raw'` has them
    for (const [name, value] of endToEnd(raw)) res.appendHeader(name, value)
    if (req.method === 'HEAD' || NO_BODY.has(answer.statusCode)) {
      await answer.body.dump()
      res.end()
      return
    }
    await pipeline(answer.body, res).catch(() => res.destroy()) // one of both sides has gone: the other one's connection ends
  }
}

async function ask(pool: Pool, req: IncomingMessage, res: ServerResponse): Promise<Dispatcher.ResponseData> {
  const left = new AbortController()
  res.once('close', () => left.abort())
  const sends = req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined
  try {
    return await pool.request({
      path: req.url ?? '/',
      method: req.method ?? 'GET',
      headers: headersOf(req),
      body: sends ? req : null,
      responseHeaders: 'raw',
      signal: left.signal,
      onInfo: ({ statusCode, headers }) => passOn(res, statusCode, headers as unknown as readonly string[]), // raw, as above
    })
  } catch (error) {
    throw Object.assign(new Error('The origin does not answer', { cause: error }), { status: 502 })
  }
}

function passOn(res: ServerResponse, status: number, raw: readonly string[]): void {
  if (status === 102) res.writeProcessing()
  const hints: Record<string, string> = {}
  for (const [name, value] of endToEnd(raw)) hints[name.toLowerCase()] = value
  if (status === 103) res.writeEarlyHints({ link: [], ...hints })
}

/** What the request has by now, a cache in front may have put conditions of its own in. */
function headersOf({ headers }: IncomingMessage): Record<string, string | string[]> {
  const listed = new Set(tokensIn(headers.connection))
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name) && !listed.has(name)) kept[name] = value
  }
  return kept
}

function endToEnd(raw: readonly string[]): [string, string][] {
  const fields: [string, string][] = []
  for (let at = 0; at + 1 < raw.length; at += 2) fields.push([raw[at] ?? '', raw[at + 1] ?? ''])
  const listed = new Set(fields.filter(([name]) => name.toLowerCase() === 'connection').flatMap(([, value]) => tokensIn(value)))
  return fields.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && !listed.has(name.toLowerCase()))
}

function tokensIn(field: string | undefined): string[] {
  return (field ?? '').split(',').map((token) => token.trim().toLowerCase())
}
