import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type App, type AppHandler, eachFramework, type Framework } from '@holdfast/test/frameworks'
import { type RawRequest, type RawResponse, request } from '@holdfast/test/raw-http'
import { afterAll, describe, expect, it } from '@jest/globals'
import { holding, type Seen, teeing } from './capturing.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-http-'))
const file = join(folder, 'page.html')
writeFileSync(file, `<p>${'kelp '.repeat(2_000)}</p>`)
afterAll(() => rmSync(folder, { recursive: true }))

const bytes = Buffer.from(Uint8Array.from({ length: 512 }, (_, index) => index % 256))

const cases: Readonly<Record<string, AppHandler>> = {
  text: () => ({ body: 'hello' }),
  'an empty body': () => ({ body: '' }),
  bytes: () => ({ body: bytes, headers: { 'Content-Type': 'application/octet-stream' } }),
  JSON: () => ({ status: 201, json: { a: [1, 'ä', null] } }),
  'a stream': () => ({ stream: Readable.from([Buffer.from('one,'), bytes, Buffer.from('three')]) }),
  'an empty stream': () => ({ stream: Readable.from([]), headers: { 'Content-Length': '0' } }),
  'a stream that tells its length': () => ({ stream: Readable.from([Buffer.from('12345')]), headers: { 'Content-Length': '5' } }),
  'a file': () => ({ file }),
  'a redirect': () => ({ location: '/elsewhere' }),
  'a 204': () => ({ status: 204 }),
  'a 304': () => ({ status: 304, headers: { ETag: '"1"' } }),
  'a 404 of the handler’s own': () => ({ status: 404, json: { title: 'none' } }),
  'several cookies': () => ({ body: 'hello', headers: { 'Set-Cookie': ['a=1', 'b=2; Path=/', 'a=3'], 'X-Other': '1' } }),
  'res.end': ({ res }) => void res.end('all'),
  'res.end in bytes': ({ res }) => void res.end(new Uint8Array(bytes)),
  'res.end of nothing': ({ res }) => void res.end(),
  'res.end in latin1': ({ res }) => void res.end('schön', 'latin1'),
  'write and end': ({ res }) => {
    res.write('6b65', 'hex')
    res.write(Buffer.from('l'))
    res.end('p')
    return undefined
  },
  'write of nothing and end': ({ res }) => {
    res.write('')
    res.end()
    return undefined
  },
  'later writes': async ({ res }) => {
    res.write('first,')
    await new Promise(setImmediate)
    res.end('second')
    return undefined
  },
  'writeHead(status)': ({ res }) => void res.writeHead(203).end('plain'),
  'writeHead(status, reason, headers)': ({ res }) => void res.writeHead(200, 'Fine', { 'X-A': ['1', '2'], 'x-b': 3 }).end('x'),
  'writeHead(status, object) over what is set': ({ res }) => {
    res.setHeader('X-A', 'old').setHeader('X-Kept', 'yes')
    res.writeHead(200, { 'x-a': 'new', 'Content-Length': 1 }).end('x')
    return undefined
  },
  'a statusMessage': ({ res }) => {
    res.statusCode = 418
    res.statusMessage = 'Short and stout'
    res.end('tea')
    return undefined
  },
  'another status after writeHead': ({ res }) => {
    res.writeHead(201, { 'X-A': '1' })
    res.statusCode = 500
    res.end('failed')
    return undefined
  },
  'another status and reason after a write': ({ res }) => {
    res.write('a part,')
    res.statusCode = 500
    res.statusMessage = 'Late'
    res.end('failed')
    return undefined
  },
  flushHeaders: ({ res }) => {
    res.setHeader('X-Flushed', '1').flushHeaders()
    res.end('later')
    return undefined
  },
  trailers: ({ res, method }) => {
    res.writeHead(200, method === 'HEAD' ? {} : { Trailer: 'X-Sum' }) // Node refuses a Trailer without a body
    res.write('abc')
    res.addTrailers({ 'X-Sum': '3' })
    res.end()
    return undefined
  },
  'cork and uncork': ({ res }) => {
    res.cork()
    res.write('a')
    res.write('b')
    res.uncork()
    res.end('c')
    return undefined
  },
  'no Date': ({ res }) => {
    res.sendDate = false
    res.end('timeless')
    return undefined
  },
  'a body where there can be none': ({ res }) => void res.writeHead(304).end('never'),
}

eachFramework((framework) => {
  for (const method of ['GET', 'HEAD']) {
    describe(`${method}, with a gate that`, () => {
      it.each(Object.entries(cases))('holds, sends and keeps %s as it would be without', async (_name, handler) => {
        const { bindings, seen } = holding()
        await compare(framework, { gate: bindings, handler }, seen, { method })
      })

      it.each(Object.entries(cases))('tees, sends and keeps %s as it would be without', async (_name, handler) => {
        const { bindings, seen } = teeing()
        await compare(framework, { gate: bindings, handler }, seen, { method })
      })

      it.each(Object.entries(cases))('passes, sends %s as it would be without', async (_name, handler) => {
        const { bindings, seen } = teeing({ onHead: () => 'pass' })
        await compare(framework, { gate: bindings, handler }, seen, { method })
      })
    })
  }
})

async function compare(framework: Framework, app: App, seen: Promise<Seen>, raw: RawRequest): Promise<void> {
  const { handler = () => undefined } = app
  const without = await framework.serve({ handler })
  const withGate = await framework.serve(app)
  const expected = await request(without.port, raw)
  const answer = await request(withGate.port, raw)
  expect(wire(answer)).toEqual(wire(expected))
  const { outcome, status, rawHeaders = [], body } = await seen
  if (outcome === 'passed') return
  expect({ outcome, status }).toEqual({ outcome: 'complete', status: answer.status })
  expect(body?.equals(answer.bytes)).toBe(true)
  const sent = pairs(answer.rawHeaders)
  expect(sent).toEqual(expect.arrayContaining(pairs(rawHeaders)))
  const own = sent.filter((pair) => !/^(connection|keep-alive|transfer-encoding|content-length|trailer):/i.test(pair))
  expect(pairs(rawHeaders)).toEqual(expect.arrayContaining(own))
}

/** A Date differs by the second. The order of headers means nothing, but among those of one name. */
function wire({ rawHeaders, ...response }: RawResponse): unknown {
  const { date, ...headers } = response.headers
  return {
    ...response,
    headers,
    hasDate: date !== undefined,
    names: new Set(rawHeaders.filter((_, index) => index % 2 === 0)),
  }
}

function pairs(rawHeaders: readonly string[]): string[] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []))
}
