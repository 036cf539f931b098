import { BoundedCache } from './cache.js'
import { canCompile, compile, literal } from './codegen.js'
import { out, putFloat, putMapHeader, putString, room, SLACK } from './packer.js'

/**
 * Writes one map at `p` if it has the shape, all of its values defined; returns the position behind it, else
 * -1.
 */
type RowWriter = (row: object, p: number, depth: number) => number
type PutValue = (value: unknown, p: number, depth: number) => number

// Rows written before a writer is compiled for their shape, and names up to which one is.
const COMPILE_AFTER = 200
const COMPILE_KEYS = 64
// Bytes of a name up to which it is written by instructions in place of a copy
const INLINE_NAME = 32

const shapes = new BoundedCache<string, Shape>(256)

/** The writer for maps that look like `first`: the same names in the same order. */
export function rowWriter(first: object, putValue: PutValue): RowWriter {
  const keys = Object.keys(first)
  const id = JSON.stringify(keys)
  const shape = shapes.get(id) ?? shapes.set(id, new Shape(keys, putValue))
  return shape.put
}

class Shape {
  put: RowWriter
  #left = COMPILE_AFTER

  constructor(keys: string[], putValue: PutValue) {
    const names = keys.map(nameBytes)
    const slow = closure(keys, names, putValue)
    this.put =
      !canCompile || keys.length > COMPILE_KEYS
        ? slow
        : (row, p, depth) => {
            if (--this.#left === 0) this.put = compiled(keys, names, putValue)
            return (this.#left > 0 ? slow : this.put)(row, p, depth)
          }
  }
}

/** The bytes of a name as a PackStream string. */
function nameBytes(key: string): Uint8Array {
  const size = Buffer.byteLength(key)
  const header =
    size < 16
      ? [0x80 | size]
      : size < 256
        ? [0xd0, size]
        : size < 65536
          ? [0xd1, size >> 8, size & 255]
          : [0xd2, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]
  return Buffer.concat([Buffer.from(header), Buffer.from(key)])
}

function closure(keys: readonly string[], names: readonly Uint8Array[], putValue: PutValue): RowWriter {
  const n = keys.length
  return (row, p, depth) => {
    if (Object.getPrototypeOf(row) !== Object.prototype || Symbol.iterator in row) return -1
    let i = 0
    // in place of Object.keys, which allocates
    for (const key in row) if (key !== keys[i++]) return -1
    if (i !== n) return -1
    room(p, SLACK)
    let q = putMapHeader(n, p)
    for (i = 0; i < n; i++) {
      const value = (row as Record<string, unknown>)[keys[i]]
      if (value === undefined) return -1
      const name = names[i]
      room(q, name.length + SLACK)
      out.buf.set(name, q)
      q = putValue(value, q + name.length, depth)
    }
    return q
  }
}

function compiled(keys: readonly string[], names: readonly Uint8Array[], putValue: PutValue): RowWriter {
  const n = keys.length
  let body =
    'if(Object.getPrototypeOf(row)!==plain||row[iterator]!==undefined)return -1;let i=0;' +
    `for(const key in row)if(key!==keys[i++])return -1;if(i!==${n})return -1;` +
    `room(p,${SLACK});let q=putMapHeader(${n},p),v;`
  keys.forEach((key, i) => {
    const name = names[i]
    body += `v=row[${literal(key)}];if(v===undefined)return -1;room(q,${name.length + SLACK});`
    body +=
      name.length <= INLINE_NAME
        ? [...name].map((byte, k) => `out.buf[q+${k}]=${byte};`).join('')
        : `out.buf.set(names[${i}],q);`
    body += `q+=${name.length};`
    body += `q=typeof v==='number'?putFloat(v,q):typeof v==='string'?putString(v,q):putValue(v,q,depth);`
  })
  return compile<RowWriter>(
    {
      out,
      room,
      putMapHeader,
      putFloat,
      putString,
      putValue,
      plain: Object.prototype,
      iterator: Symbol.iterator,
      keys,
      names
    },
    `return (row,p,depth)=>{${body}return q}`
  )
}
