// Client-side encryption: what one of the two drivers encrypts, the other decrypts.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import official from 'neo4j-driver'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { Keys } from '../../support/keys.mjs'

const { driver: neo4j } = Neo4jHA

const key = new Uint8Array(randomBytes(32))

/** Both drivers with one profile, and a key named `secret`. */
const both = async (t, config = {}) => {
  const keyRepository = new Keys()
  const open = namespace => {
    const profile = new namespace.EnvelopeEncryptionProfile({
      name: 'profile',
      encapsulationService: namespace.localKeyEncapsulationService(key),
      keyRepository
    })
    const driver = namespace.driver('bolt://127.0.0.1:1', undefined, {
      ...config,
      encryptionProfiles: [profile]
    })
    t.after(() => driver.close())
    return driver.encryption
  }
  const ours = open(neo4j)
  await ours.keyManager().create('secret')
  return { ours, theirs: open(official) }
}

const keyOptions = { alias: 'secret' }
const { types } = neo4j

const VALUES = {
  'a string': 'grüße, 世界 🌍',
  'a long string': 'x'.repeat(100_000),
  'an empty string': '',
  'a boolean': true,
  'a float': -1.5,
  'small integers': [0, 1, -16, -17, 127, 128, -129, 32767, 32768, -32769].map(n => neo4j.int(n)),
  'large integers': [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)].map(n => neo4j.int(n)),
  bytes: new Int8Array([0, 1, -1, 127, -128]),
  'many bytes': new Int8Array(70_000).fill(7),
  'a date': new types.Date(2024, 2, 29),
  'a date before Christ': new types.Date(-4712, 1, 1),
  'a time': new types.Time(23, 59, 58, 999_999_999, -7200),
  'a local time': new types.LocalTime(0, 0, 0, 1),
  'a local datetime': new types.LocalDateTime(1969, 12, 31, 23, 59, 59, 5),
  'a datetime with an offset': new types.DateTime(1969, 7, 20, 20, 17, 40, 123, 5400),
  'a datetime with a zone': new types.DateTime(2022, 10, 30, 2, 30, 0, 0, 7200, 'Europe/Berlin'),
  'the second one of an hour that comes twice': new types.DateTime(
    2022,
    10,
    30,
    2,
    30,
    0,
    0,
    3600,
    'Europe/Berlin'
  ),
  'a duration': new types.Duration(-1, 2, 3, 4),
  'a point': new types.Point(neo4j.int(4326), 12.5, -7),
  'a point of three dimensions': new types.Point(neo4j.int(9157), 1, 2, 3),
  'a vector of floats': neo4j.vector(new Float32Array([1.5, -2.25])),
  'a vector of doubles': neo4j.vector(new Float64Array([Math.PI])),
  'a vector of integers': neo4j.vector(new BigInt64Array([1n, -(2n ** 62n)])),
  'a vector of short integers': neo4j.vector(new Int16Array([1, -2, 300])),
  'a UUID': neo4j.uuid('123e4567-e89b-12d3-a456-426614174000'),
  'a list of strings': ['a', 'b', 'c'],
  'a list of datetimes': [
    new types.DateTime(2020, 1, 1, 1, 1, 1, 1, 3600, 'Europe/Berlin'),
    new types.DateTime(2020, 7, 1, 1, 1, 1, 1, 7200, 'Europe/Berlin')
  ],
  'a long list': Array.from({ length: 300 }, (_, i) => i / 3)
}

for (const [name, value] of Object.entries(VALUES)) {
  test(`${name}: what one driver encrypts, the other decrypts`, async t => {
    const { ours, theirs } = await both(t)
    for (const [from, to] of [
      [ours, theirs],
      [theirs, ours],
      [ours, ours]
    ]) {
      const ciphertext = await from.encrypt({ value, keyOptions })
      assert.ok(ciphertext instanceof Int8Array)
      const decrypted = await to.decrypt({ ciphertext })
      if (neo4j.isVector(value)) assert.deepEqual(decrypted.asTypedArray(), value.asTypedArray())
      else if (typeof value === 'object' && 'toString' in value && !Array.isArray(value)) {
        assert.equal(Object.getPrototypeOf(decrypted), Object.getPrototypeOf(value))
        assert.equal(String(decrypted), String(value))
      } else assert.equal(String(decrypted), String(value))
    }
  })
}

test('what is encrypted is bytes of the same form in both drivers', async t => {
  const { ours, theirs } = await both(t)
  const request = { value: 'the same', keyOptions, aad: 'known' }
  const [a, b] = await Promise.all([ours.encrypt(request), theirs.encrypt(request)])
  assert.equal(a.length, b.length)
  // All but the initialisation vector and what it made of the text.
  const text = bytes => Buffer.from(bytes).toString('latin1')
  for (const part of ['ENVELOPE', 'profile', 'STRING', 'key_id', 'known']) {
    assert.equal(text(a).indexOf(part), text(b).indexOf(part), part)
  }
})

test('additional data is verified, given or as it was stored', async t => {
  const { ours, theirs } = await both(t)
  for (const from of [ours, theirs]) {
    const ciphertext = await from.encrypt({ value: 'open sesame', keyOptions, aad: 'Ali Baba' })
    assert.equal(await ours.decrypt({ ciphertext, usePersistedAad: true }), 'open sesame')
    assert.equal(await theirs.decrypt({ ciphertext, usePersistedAad: true }), 'open sesame')
    assert.equal(await ours.decrypt({ ciphertext, aad: 'Ali Baba' }), 'open sesame')
    await assert.rejects(ours.decrypt({ ciphertext, aad: 'Kasim' }), /decryption failed/)
    await assert.rejects(ours.decrypt({ ciphertext }), /decryption failed/)
  }
})

test('integers are decrypted to what the driver gives integers as', async t => {
  for (const [config, expected] of [
    [{}, neo4j.int(42)],
    [{ useBigInt: true }, 42n],
    [{ disableLosslessIntegers: true }, 42]
  ]) {
    const { ours, theirs } = await both(t, config)
    const ciphertext = await theirs.encrypt({ value: neo4j.int(42), keyOptions })
    assert.deepEqual(await ours.decrypt({ ciphertext }), expected)
    const date = await ours.decrypt({
      ciphertext: await ours.encrypt({ value: new types.Date(2020, 1, 2), keyOptions })
    })
    assert.equal(typeof date.year, typeof expected)
  }
})

test('bytes that are part of a larger buffer are decrypted', async t => {
  const { ours } = await both(t)
  const ciphertext = await ours.encrypt({ value: 'part', keyOptions })
  const larger = new Int8Array(ciphertext.length + 20)
  larger.set(ciphertext, 7)
  assert.equal(await ours.decrypt({ ciphertext: larger.subarray(7, 7 + ciphertext.length) }), 'part')
})

test('bytes that are no ciphertext are refused, whatever they are', async t => {
  const { ours } = await both(t)
  const whole = await ours.encrypt({ value: 'x', keyOptions })
  await assert.rejects(ours.decrypt({ ciphertext: new Int8Array() }), /Empty byte array/)
  await assert.rejects(ours.decrypt({ ciphertext: new Int8Array([9, 1]) }), /version 9/)
  await assert.rejects(ours.decrypt({ ciphertext: new Int8Array([1, -79, 1]) }), /structure 0x65/)
  for (let n = 1; n < whole.length; n++) {
    await assert.rejects(ours.decrypt({ ciphertext: whole.slice(0, n) }), /cut off|structure/)
  }
  const more = new Int8Array(whole.length + 1)
  more.set(whole)
  await assert.rejects(ours.decrypt({ ciphertext: more }), /bytes behind the value/)
  const changed = whole.slice()
  changed[whole.indexOf(-52) + 4] ^= 1
  await assert.rejects(ours.decrypt({ ciphertext: changed }))
})

test('a value that cannot be a property is refused', async t => {
  const { ours } = await both(t)
  await assert.rejects(ours.encrypt({ value: { a: 1 }, keyOptions }), /could not identify type/)
  await assert.rejects(ours.encrypt({ value: ['a', 1], keyOptions }), /same property type/)
  await assert.rejects(ours.encrypt({ value: 2n ** 64n, keyOptions }), /more than 64 bits/)
})

test('a Neo4jHA takes encryption profiles in neo4jDriverOptions', async t => {
  const keyRepository = new Keys()
  const profile = new neo4j.EnvelopeEncryptionProfile({
    name: 'ha',
    encapsulationService: neo4j.localKeyEncapsulationService(key),
    keyRepository
  })
  const driver = new Neo4jHA('bolt://127.0.0.1:1', { neo4jDriverOptions: { encryptionProfiles: [profile] } })
  t.after(() => driver.close())
  await driver.encryption.keyManager().create('secret')
  const ciphertext = await driver.encryption.encrypt({ value: 'HA', keyOptions })
  assert.equal(await driver.servers[0].driver.encryption.decrypt({ ciphertext }), 'HA')
})

test('encryption profiles are checked, and no key shows in what is printed of a driver', async t => {
  const profile = new neo4j.EnvelopeEncryptionProfile({
    name: 'twice',
    encapsulationService: neo4j.localKeyEncapsulationService(key),
    keyRepository: new Keys()
  })
  const open = encryptionProfiles => neo4j.driver('bolt://127.0.0.1:1', undefined, { encryptionProfiles })
  assert.throws(() => open([profile, profile]), /Multiple profiles with name twice/)
  assert.throws(() => open('profile'), /config.encryptionProfiles takes an array of encryption profiles/)
  const driver = open([profile])
  t.after(() => driver.close())
  const printed = inspect(driver, { depth: 20, showHidden: false })
  assert.ok(!printed.includes(`${key[0]}, ${key[1]}, `), printed)
  assert.ok(!printed.includes('_kek'))
})
