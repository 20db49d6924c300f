import { serializeByteSequence, serializeString } from 'structured-headers'
import type { PolicyDecision } from '../decision.ts'
import type { Policy } from '../policy.ts'
import type { Dialect } from './dialect.ts'

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-11. What depends on the policies alone is made once.
 *
 * `RateLimit-Policy: "hourly";q=1000;w=3600` and `RateLimit: "hourly";r=999;t=3600`; `RateLimit` is left out when nobody counted.
 */
export function draft(policies: readonly Policy[]): Dialect {
  // Clients are not told of what does not bind them.
  const members = policies.map(({ name, shadow }) => (shadow ? undefined : serializeString(name)))
  const parameters = policies.map(parametersOf)
  const limits = policies.map(({ limit }) => limit)
  const usualPolicies = policyField(limits, '')

  function policyField(quotas: readonly number[], partition: string): string {
    const stated = quotas.map((quota, index) => `${members[index]};q=${integer(quota)}${parameters[index]}${partition}`)
    return stated.filter((_, index) => members[index] !== undefined).join(', ')
  }

  function quotasOf(decided: readonly PolicyDecision[]): readonly number[] {
    return decided.length === 0 ? limits : decided.map(({ limit }) => limit)
  }

  return (exchange, { policies: decided }, partitionKey, told) => {
    if (usualPolicies === '') return
    const partition = partitionKey === undefined ? '' : `;pk=${serializeByteSequence(partitionKey)}`
    let isUsual = partition === ''
    let available = ''
    for (let index = 0; index < decided.length; index += 1) {
      const each = decided[index]
      const member = members[index]
      if (each === undefined || member === undefined) continue
      if (each.limit !== limits[index]) isUsual = false
      if (available !== '') available += ', '
      available += `${member};r=${integer(each.remaining)}`
      if (each.nextMs > 0) available += `;t=${Math.ceil(each.nextMs / 1_000)}`
      available += partition
    }
    told.policies = joined(told.policies, isUsual ? usualPolicies : policyField(quotasOf(decided), partition))
    exchange.setHeader('RateLimit-Policy', told.policies)
    if (available === '') return
    told.quotas = joined(told.quotas, available)
    exchange.setHeader('RateLimit', told.quotas)
  }
}

function joined(members: string, more: string): string {
  return members === '' ? more : `${members}, ${more}`
}

/** No window in the field for one of under a second: its unit is the second. */
function parametersOf({ algorithm, windowMs, unit }: Policy): string {
  if (algorithm === 'concurrency') return ';qu="concurrent-requests"'
  const window = windowMs >= 1_000 ? `;w=${Math.ceil(windowMs / 1_000)}` : ''
  return unit === 'requests' ? window : `${window};qu=${serializeString(unit)}`
}

/** The largest that a structured field can say, where it is less. */
export function integer(units: number): number {
  return Math.min(units, LARGEST_INTEGER)
}

/** RFC 9651, section 3.3.1. */
const LARGEST_INTEGER = 999_999_999_999_999
