import type { Command } from './redis-command.ts'
import type { RedisProxy } from './redis-proxy.ts'
import type { RedisServer } from './redis-server.ts'

/** A Redis, and the network through which it is reached. */
export interface OutageStage {
  readonly server: RedisServer
  readonly proxy: RedisProxy
}

export interface Outage {
  begin(): unknown
  end(): unknown
}

/** What a Redis does, for titles such as `while Redis %s`, and how. */
export type NamedOutage = readonly [what: string, outage: Outage]

/**
 * Outages in which nothing reaches what Redis keeps, and nothing of it is lost.
 *
 * @param stage Is asked when an outage begins and ends: suites are described before their servers run
 */
export function refusingOutages(stage: () => OutageStage): NamedOutage[] {
  const restore = () => stage().proxy.restore()
  return [
    ['is behind a network that swallows', { begin: () => stage().proxy.blackhole(), end: restore }],
    ['is behind a network that refuses', { begin: () => stage().proxy.refuse(), end: restore }],
    ['is behind a slow network', { begin: () => stage().proxy.latency(SLOW_MS), end: restore }],
    ['is out of memory', commands(stage, ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'])],
    ['has become a replica', commands(stage, ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE'])],
    [
      'forbids what is needed',
      commands(stage, ['ACL', 'SETUSER', 'default', '-evalsha', '-eval'], ['ACL', 'SETUSER', 'default', '+@all']),
    ],
  ]
}

/** Those, and outages in which Redis loses what it keeps, stands still, loads, or does what it is asked and cannot say so. */
export function allOutages(stage: () => OutageStage): NamedOutage[] {
  return [
    ['is frozen', { begin: () => stage().server.freeze(), end: () => stage().server.thaw() }],
    ['is killed, and loses everything', { begin: () => stage().server.kill(), end: () => stage().server.start() }],
    ['loads its data', { begin: () => stage().server.restart(LOADING_MS), end: () => stage().server.ready() }],
    ['answers, and its answers are lost', { begin: () => stage().proxy.cutReplies(), end: () => stage().proxy.restore() }],
    ...refusingOutages(stage),
  ]
}

/** Each way: longer than what is waited for in any suite. */
const SLOW_MS = 1_000
const LOADING_MS = 600

function commands(stage: () => OutageStage, begin: Command, end: Command): Outage {
  return {
    begin: () => stage().server.command(...begin),
    end: () => stage().server.command(...end),
  }
}
