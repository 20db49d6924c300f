/** Why a client is refused that reads from replicas: what a purge has dropped would be served by one that has not heard of it yet. */
export function replicaReads(option: string): string {
  return `client reads from replicas, which do not have yet what was written last: give redisAdapter one without '${option}'`
}
