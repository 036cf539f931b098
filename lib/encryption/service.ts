/** The option `encryptionProfiles`, checked, and the service that it makes: `driver.encryption`. */

import { type BoltProvider, type EncryptionProfile, EncryptionService } from 'neo4j-driver-core'
import { type IntegerMode, modeOf } from '../codec/integers'
import { show } from '../config/option-values'
import { PropertyEncoding } from './property-encoding'

/**
 * @param name how the option is called in errors
 * @throws TypeError naming the option and what it takes; Neo4jError when two profiles have one name
 */
export function encryptionOf(profiles: unknown, name: string, integers: IntegerMode): EncryptionService {
  if (profiles !== undefined && profiles !== null && !Array.isArray(profiles)) {
    throw new TypeError(`${name} takes an array of encryption profiles; it was ${show(profiles)}`)
  }
  // Core asks for no more of a provider than what the encoding has.
  const encoding = new PropertyEncoding(modeOf(integers)) as unknown as BoltProvider
  return new EncryptionService(encoding, (profiles ?? []) as EncryptionProfile[])
}
