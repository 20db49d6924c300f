import { isIPv4, isIPv6 } from 'node:net'
import { checkedWhole, shown } from '@holdfast/adapter/options'
import ipaddr from 'ipaddr.js'

/** How many bits of an IPv6 address tell clients apart: one customer usually has a whole /56 to choose addresses from. */
export const IPV6_SUBNET = 56

/**
 * The partition key of a client's address: IPv4 as it is, IPv6 cut to its first bits, as `2001:db8:0:1200::/56`. An IPv4 address in IPv6
 * form is IPv4. A zone and a port, which some proxies add (`192.0.2.1:5678`, `[2001:db8::1]:5678`), are left out.
 *
 * @param ipv6Subnet How many bits of an IPv6 address make one client, from 32 to 128. Defaults to 56.
 * @throws {TypeError} when there is none: one bucket for all would let one client lock out the others; or when it is not an IP
 *   address: a key that a client can choose limits nobody
 * @throws {RangeError} when `ipv6Subnet` is no whole number from 32 to 128
 */
export function addressKey(address: string | undefined, ipv6Subnet: number = IPV6_SUBNET): string {
  if (address === undefined || address === '') throw new TypeError('The request has no client address: give rateLimit a key')
  checkedSubnet(ipv6Subnet)
  if (isIPv4(address)) return address
  const bare = withoutPort(address)
  if (isIPv4(bare)) return bare
  if (!isIPv6(bare)) {
    throw new TypeError(
      `The client's address ${shown(address)} is not an IP address: check the proxy settings, or give rateLimit a key`,
    )
  }
  const parsed = ipaddr.process(bare)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  const bytes = parsed.toByteArray().map((byte, index) => byte & mask(ipv6Subnet - 8 * index))
  return `${ipaddr.fromByteArray(bytes).toString()}/${ipv6Subnet}`
}

/** The address of `192.0.2.1:80`, `[2001:db8::1]:80` and `[2001:db8::1]`; what is none of them as it is. */
function withoutPort(address: string): string {
  const [, bracketed, dotted] = WITH_PORT.exec(address) ?? []
  return bracketed ?? dotted ?? address
}

const WITH_PORT = /^(?:\[([^[\]]+)\](?::\d+)?|([\d.]+):\d+)$/

/** The byte whose first `bits` bits are set. */
function mask(bits: number): number {
  return bits <= 0 ? 0 : bits >= 8 ? 0xff : 0xff & (0xff << (8 - bits))
}

/** @throws {RangeError} when it is not a prefix length that tells clients apart */
export function checkedSubnet(ipv6Subnet: number): number {
  return checkedWhole('ipv6Subnet', ipv6Subnet, 32, 128)
}
