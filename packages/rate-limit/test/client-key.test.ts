import { isIPv6 } from 'node:net'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { addressKey } from '@holdfast/rate-limit'
import { rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import { eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'

afterEach(() => void jest.restoreAllMocks())

const options = { limit: 9, windowMs: 60_000 }

describe('addressKey', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:5678', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:443', '192.0.2.1'],
    ['2001:db8:0:12ff::1', '2001:db8:0:1200::/56'],
    ['2001:DB8:0:1200:0:0:0:9', '2001:db8:0:1200::/56'],
    ['[2001:db8:0:12ff::1]', '2001:db8:0:1200::/56'],
    ['[2001:db8:0:12ff::1]:65535', '2001:db8:0:1200::/56'],
    ['[::1]:80', '::/56'],
    ['fe80::1%eth0', 'fe80::/56'],
    ['[fe80::1%eth0]:80', 'fe80::/56'],
  ])('makes of %s the key %s', (address, key) => expect(addressKey(address)).toBe(key))

  it('cuts at any bit from 32 to 128', () => {
    expect(addressKey('2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 61)).toBe('2001:db8:ffff:fff8::/61')
    expect(addressKey('[2001:db8::1]:80', 128)).toBe('2001:db8::1/128')
    for (const bits of [31, 129, 56.5]) {
      for (const address of ['::1', '192.0.2.1'])
        expect(() => addressKey(address, bits)).toThrow('ipv6Subnet must be a whole number from 32 to 128')
    }
  })

  it.each([
    ...['unknown', '_hidden', '42', '1.2.3', '1.2.3.4.5', '010.1.1.1', '999.1.1.1', '0x7f.1', '1.2.3.4:', '1.2.3.4:http'],
    ...['::1]:80', '[::1', '[::1]80', '1.2.3.4, 5.6.7.8', '1.2.3.4:1:2', ' 1.2.3.4', '1.2.3.4\n'],
  ])('is an error of %j', (address) =>
    expect(() => addressKey(address)).toThrow('is not an IP address: check the proxy settings'),
  )

  it('is an error where there is no address, or a request is given for one', () => {
    for (const none of [undefined, '']) expect(() => addressKey(none)).toThrow('The request has no client address')
    expect(() => addressKey(Object({ ip: '192.0.2.1' }))).toThrow("The client's address an object is not an IP address")
  })

  it('has a key for any address, which is that of no single one, and the same with a port', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => {
        const key = addressKey(address)
        expect(isIPv6(key)).toBe(false)
        expect(addressKey(`[${address}]:${port}`)).toBe(key)
      }),
    )
  })
})

eachFramework((framework) => {
  async function statusAndWarnings(key: (() => string) | undefined, forwarded: string): Promise<unknown[]> {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const limit = { ...options, ...(key && { key }), adapter: memoryAdapter() }
    const gate = { node: () => [onNode(limit)], express: () => [onExpress(limit)], koa: () => [onKoa(limit)] }
    const { port } = await framework.serve({ gate, trustProxy: 1 })
    const ask = () => request(port, { headers: { 'X-Forwarded-For': forwarded } })
    const { status, headers } = await ask()
    await ask()
    const own = emitWarning.mock.calls.filter(([, shown]) => Object(shown).code === 'HOLDFAST_RATE_LIMIT')
    return [status, headers['ratelimit'], own.map(([message]) => message)]
  }

  it('counts a client whose proxy adds a port as its address', async () => {
    expect(await statusAndWarnings(undefined, '192.0.2.1:5678')).toEqual([200, '"default";r=8;t=60', []])
    expect(await statusAndWarnings(undefined, '[2001:db8::1]:5678')).toEqual([200, '"default";r=8;t=60', []])
  })

  it('warns once of a key that is a whole IPv6 address, and of none by addressKey', async () => {
    const [, , warnings] = await statusAndWarnings(() => '2001:db8::1', '192.0.2.1')
    expect(warnings).toEqual([expect.stringContaining('key gave a whole IPv6 address')])
    jest.restoreAllMocks()
    expect(await statusAndWarnings(() => addressKey('2001:db8::1'), '192.0.2.1')).toEqual([200, '"default";r=8;t=60', []])
  })

  it('fails a request whose key is empty, as a missing id is: all of those would share a quota', async () => {
    expect(await statusAndWarnings(() => '', '192.0.2.1')).toEqual([500, undefined, []])
  })
})
