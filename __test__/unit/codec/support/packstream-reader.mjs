// Reads PackStream, to see what the encoder wrote: integers as bigint, floats as number, bytes as Buffer,
// maps as Map.

/** A structure as it stands on the wire. */
export class Structure {
  constructor(signature, fields) {
    this.signature = signature
    this.fields = fields
  }
}

/** The one value that `bytes` hold; throws when there is more or less. */
export function readPackStream(bytes) {
  const buffer = Buffer.from(bytes)
  let p = 0
  const sized = (n, make) => {
    const list = []
    for (let i = 0; i < n; i++) list.push(make())
    return list
  }
  const length = bytesOfLength => {
    const n = buffer.readUIntBE(p, bytesOfLength)
    p += bytesOfLength
    return n
  }
  const take = n => {
    if (p + n > buffer.length) throw new Error(`${n} bytes at ${p} of ${buffer.length}`)
    p += n
    return buffer.subarray(p - n, p)
  }
  const string = n => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(take(n))
  const map = n =>
    new Map(
      sized(n, () => {
        const key = value()
        if (typeof key !== 'string') throw new Error('a key that is no string')
        return [key, value()]
      })
    )
  const value = () => {
    const marker = take(1)[0]
    if (marker < 0x80) return BigInt(marker)
    if (marker < 0x90) return string(marker & 15)
    if (marker < 0xa0) return sized(marker & 15, value)
    if (marker < 0xb0) return map(marker & 15)
    if (marker < 0xc0) {
      const signature = take(1)[0]
      return new Structure(signature, sized(marker & 15, value))
    }
    if (marker >= 0xf0) return BigInt(marker - 256)
    switch (marker) {
      case 0xc0:
        return null
      case 0xc1:
        return take(8).readDoubleBE()
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc8:
        return BigInt(take(1).readInt8())
      case 0xc9:
        return BigInt(take(2).readInt16BE())
      case 0xca:
        return BigInt(take(4).readInt32BE())
      case 0xcb:
        return take(8).readBigInt64BE()
      case 0xcc:
      case 0xcd:
      case 0xce:
        return Buffer.from(take(length(1 << (marker - 0xcc))))
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return string(length(1 << (marker - 0xd0)))
      case 0xd4:
      case 0xd5:
      case 0xd6:
        return sized(length(1 << (marker - 0xd4)), value)
      case 0xd8:
      case 0xd9:
      case 0xda:
        return map(length(1 << (marker - 0xd8)))
      case 0xe0:
        return { uuid: take(16).toString('hex') }
      default:
        throw new Error(`marker ${marker.toString(16)}`)
    }
  }
  const read = value()
  if (p !== buffer.length) throw new Error(`${buffer.length - p} bytes are left`)
  return read
}
