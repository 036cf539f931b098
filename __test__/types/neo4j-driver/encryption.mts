// Client-side encryption, a preview in neo4j-driver 6.3.
import neo4j, {
  type Driver,
  type EncapsulatedKeyRecord,
  type EncapsulatedKeyRecordRepository,
  type EncryptionProfile,
  type EncryptionService,
  EnvelopeEncryptionProfile,
  type KeyEncapsulationService
} from 'neo4j-driver'

class Keys implements EncapsulatedKeyRecordRepository {
  readonly #records = new Map<string, EncapsulatedKeyRecord>()

  async create(
    alias: string,
    encapsulation: Int8Array,
    metadata: Record<string, string>
  ): Promise<EncapsulatedKeyRecord> {
    const record = {
      id: () => alias,
      alias: () => alias,
      encapsulation: () => encapsulation,
      metadata: () => metadata
    }
    this.#records.set(alias, record)
    return record
  }

  async findById(id: string): Promise<EncapsulatedKeyRecord> {
    return this.#records.get(id) as EncapsulatedKeyRecord
  }

  async findByAlias(alias: string): Promise<EncapsulatedKeyRecord> {
    return this.#records.get(alias) as EncapsulatedKeyRecord
  }

  async setAliasById(): Promise<void> {}
  async deleteById(id: string): Promise<void> {
    this.#records.delete(id)
  }
}

const service: KeyEncapsulationService = neo4j.localKeyEncapsulationService(new Uint8Array(32))
const profile: EncryptionProfile = new EnvelopeEncryptionProfile({
  name: 'profile',
  encapsulationService: service,
  keyRepository: new Keys()
})
const driver: Driver = neo4j.driver('neo4j://localhost', undefined, { encryptionProfiles: [profile] })
const encryption: EncryptionService = driver.encryption
await encryption.keyManager('profile').create('key')
const ciphertext: Int8Array = await encryption.encrypt({
  value: 'secret',
  keyOptions: { alias: 'key' },
  aad: 'x'
})
const decrypted = await encryption.decrypt<string>({ ciphertext, usePersistedAad: true })
console.log(neo4j.isUnsupportedType(decrypted as object), decrypted)
