// What is encrypted on this side: stored by a server as bytes, and decrypted by whoever has the key.

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { Keys } from '../../support/keys.mjs'
import { connect, neo4j, npm, npmDriver, query, test } from '../support.mjs'

/** @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set */
export const encryptionSuite = set =>
  describe('client-side encryption', () => {
    test("a property that was encrypted is stored, and decrypted by this driver and by npm's", async t => {
      const key = new Uint8Array(randomBytes(32))
      const keyRepository = new Keys()
      const encryptionProfiles = namespace => [
        new namespace.EnvelopeEncryptionProfile({
          name: 'profile',
          encapsulationService: namespace.localKeyEncapsulationService(key),
          keyRepository
        })
      ]
      const { auth, members } = set.cluster
      const ours = connect(t, set.cluster, { encryptionProfiles: encryptionProfiles(neo4j) })
      const theirs = npmDriver(t, members[0], auth, { encryptionProfiles: encryptionProfiles(npm) })
      await ours.encryption.keyManager().create('key')
      const id = randomUUID()
      const secret = await ours.encryption.encrypt({ value: 'a secret', keyOptions: { alias: 'key' } })
      await query(ours, 'CREATE (:Secret {id: $id, text: $secret})', { id, secret })
      for (const driver of [ours, theirs]) {
        const { records } = await query(driver, 'MATCH (n:Secret {id: $id}) RETURN n.text AS text', { id })
        const ciphertext = records[0].get('text')
        assert.ok(!Buffer.from(ciphertext).includes('a secret'))
        assert.equal(await driver.encryption.decrypt({ ciphertext }), 'a secret')
      }
    })
  })
