// The versions of Bolt, and the server's half of agreeing on one.

const four = later => ['4.0', '4.1', '4.2', '4.3', '4.4', ...later]

/** What real servers speak. */
export const bolt = {
  neo4j34: ['1.0', '2.0'],
  neo4j35: ['1.0', '2.0', '3.0'],
  neo4j44: ['3.0', '4.0', '4.1', '4.2', '4.3', '4.4'],
  neo4j526: four(['5.0', '5.1', '5.2', '5.3', '5.4', '5.6', '5.7', '5.8']),
  neo4j2026: four(['5.0', '5.1', '5.2', '5.3', '5.4', '5.6', '5.7', '5.8', '6.0', '6.1']),
  all: [
    ...['1.0', '2.0', '3.0'],
    ...four(['5.0', '5.1', '5.2', '5.3', '5.4', '5.6', '5.7', '5.8', '6.0', '6.1'])
  ]
}

/** '4.4' as `{major, minor, text, rank}`; ranks compare as versions do: 4.4 is 0x404. */
export const parseVersion = version => {
  const [major, minor = 0] = String(version).split('.').map(Number)
  return { major, minor, text: `${major}.${minor}`, rank: major * 256 + minor }
}

/** A version as a number that orders: '5.4' is 0x504. */
export const rank = version => parseVersion(version).rank

const magic = '6060b017'
const manifestSlot = '000001ff'

/**
 * The server's half of the handshake, four slots and manifest. Fed bytes, it returns what to send, or null when it
 * needs more; `version` is set at the end, or `refused`. What came behind the handshake is in `rest`.
 */
export class Handshake {
  #versions
  #manifest
  #awaitsChoice = false

  constructor(versions, manifest) {
    this.#versions = versions
    this.#manifest = manifest
    this.rest = Buffer.alloc(0)
    this.version = null
    this.refused = false
    /** What a test may look at: proposal and slots as the client sent them, the version agreed on, the manifest choice. */
    this.entry = null
  }

  feed(bytes) {
    this.rest = Buffer.concat([this.rest, bytes])
    return this.#awaitsChoice ? this.#choice() : this.#proposal()
  }

  #proposal() {
    if (this.rest.length < 20) return null
    const hex = this.rest.subarray(0, 20).toString('hex')
    this.rest = this.rest.subarray(20)
    const slots = hex.slice(8).match(/.{8}/g)
    this.entry = { proposal: hex, slots, agreed: null }
    const best = hex.startsWith(magic) ? this.#best(slots) : null
    if (best === null) {
      this.refused = true
      return Buffer.alloc(4)
    }
    if (best !== manifestSlot) {
      this.#agree(best)
      return Buffer.from([0, 0, best.minor, best.major])
    }
    this.#awaitsChoice = true
    const offers = this.#versions.flatMap(({ major, minor }) => [0, 0, minor, major])
    return Buffer.from([...Buffer.from(manifestSlot, 'hex'), this.#versions.length, ...offers, 0])
  }

  // The first slot that fits wins; in a range, its highest version.
  #best(slots) {
    for (const slot of slots) {
      if (slot === manifestSlot) {
        if (this.#manifest) return manifestSlot
        continue
      }
      const [, range, minor, major] = Buffer.from(slot, 'hex')
      const fits = this.#versions
        .filter(v => v.major === major && v.minor <= minor && v.minor >= minor - range)
        .sort((a, b) => b.minor - a.minor)
      if (fits.length > 0) return fits[0]
    }
    return null
  }

  // The client's answer to the manifest: four bytes of version, then its capabilities as a varint.
  #choice() {
    let end = 4
    while (end < this.rest.length && this.rest[end] & 0x80) end++
    if (end >= this.rest.length) return null
    const [, , minor, major] = this.rest
    this.entry.choice = this.rest.subarray(0, end + 1).toString('hex')
    this.rest = this.rest.subarray(end + 1)
    const agreed = this.#versions.find(v => v.major === major && v.minor === minor)
    if (agreed) this.#agree(agreed)
    else this.refused = true
    return Buffer.alloc(0)
  }

  #agree(version) {
    this.version = version
    this.entry.agreed = version.text
  }
}
