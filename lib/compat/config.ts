/** Values and names of options that `neo4j-driver` 1.x had, as what they are today. */

/** 1.x encrypted only what leaves the machine, by this value. */
const NON_LOCAL = 'ENCRYPTION_NON_LOCAL'

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

const TRUST: Readonly<Record<string, string>> = {
  TRUST_SIGNED_CERTIFICATES: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
  TRUST_ON_FIRST_USE: 'TRUST_ALL_CERTIFICATES'
}

/** Options of 1.x under another name, or without use today. Nothing is lost by not having them. */
export const OBSOLETE: ReadonlySet<string> = new Set(['knownHosts', 'loadBalancingStrategy'])

/** `ENCRYPTION_NON_LOCAL` as a boolean, for these hosts; any other value as it is. */
export function encryptedOf(value: unknown, hosts: readonly string[]): unknown {
  return value === NON_LOCAL ? hosts.some(host => !LOCAL_HOSTS.has(host)) : value
}

/** Today's value of a trust strategy of 1.x; any other value as it is. */
export function trustOf(value: unknown, warn: (message: string) => void): unknown {
  if (value === 'TRUST_ON_FIRST_USE') {
    warn(
      'neo4jDriverOptions.trust: TRUST_ON_FIRST_USE is no longer there and is taken as TRUST_ALL_CERTIFICATES: the connection is ' +
        'encrypted, but its other end is not known. Use TRUST_CUSTOM_CA_SIGNED_CERTIFICATES with trustedCertificates.'
    )
  }
  return typeof value === 'string' ? (TRUST[value] ?? value) : value
}

/** Today's `maxConnectionPoolSize`, from it or from `connectionPoolSize`. */
export function poolSizeOf(config: {
  maxConnectionPoolSize?: unknown
  connectionPoolSize?: unknown
}): unknown {
  return config.maxConnectionPoolSize ?? config.connectionPoolSize
}
