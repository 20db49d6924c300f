import { checkedWhole } from '@holdfast/adapter/options'
import ipaddr from 'ipaddr.js'

/** How many bits of an IPv6 address tell clients apart: one customer usually has a whole /56 to choose addresses from. */
export const IPV6_SUBNET = 56

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/

/**
 * The partition key of a client address: IPv4 as it is, IPv6 cut to its first `ipv6Subnet` bits, an IPv4 address in IPv6 form as
 * IPv4, without a zone.
 *
 * @throws {TypeError} when there is none: one bucket for all would let one client lock out the others; or when it is not an IP
 *   address: a key that a client can choose limits nobody
 */
export function addressKey(address: string | undefined, ipv6Subnet: number = IPV6_SUBNET): string {
  if (address === undefined || address === '') throw new TypeError('The request has no client address: give rateLimit a key')
  if (IPV4.test(address)) return address
  if (!ipaddr.isValid(address)) {
    throw new TypeError(
      `The client's address ${JSON.stringify(address)} is not an IP address: check the proxy settings, or give rateLimit a key`,
    )
  }
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  const bytes = parsed.toByteArray().map((byte, index) => byte & mask(ipv6Subnet - 8 * index))
  return `${ipaddr.fromByteArray(bytes).toString()}/${ipv6Subnet}`
}

/** The byte whose first `bits` bits are set. */
function mask(bits: number): number {
  return bits <= 0 ? 0 : bits >= 8 ? 0xff : 0xff & (0xff << (8 - bits))
}

/** @throws {RangeError} when it is not a prefix length that tells clients apart */
export function checkedSubnet(ipv6Subnet: number): number {
  return checkedWhole('ipv6Subnet', ipv6Subnet, 32, 128)
}
