// Reading a batch, behind one name.
import decode from '../../../../dist/codec/decode.js'

const { Decoder } = decode

export const MODES = ['Integer', 'number', 'bigint']

export function decoderFor(keys, mode = 'Integer') {
  const decoder = new Decoder(mode)
  decoder.setKeys([...keys])
  return decoder
}

/** The records of a batch that stands somewhere in a larger buffer, which is wiped afterwards. */
export function recordsOf(decoder, buffer) {
  const { views, at } = within(buffer)
  const records = decoder.records(views.i32, views.f64, views.u8, at)
  views.u8.fill(0xff)
  return records
}

/** The value of a batch of one row and one column. */
export function singleValue(decoder, buffer) {
  const { views, at } = within(buffer)
  const value = decoder.value(views.i32, views.f64, views.u8, at)
  views.u8.fill(0xff)
  return value
}

function within(buffer) {
  const at = 48
  const larger = new ArrayBuffer(at + buffer.byteLength + 16)
  new Uint8Array(larger).fill(0xee)
  new Uint8Array(larger).set(new Uint8Array(buffer), at)
  return {
    at,
    views: { i32: new Int32Array(larger), f64: new Float64Array(larger), u8: Buffer.from(larger) }
  }
}
