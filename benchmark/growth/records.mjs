// The objects of collected rows of the scan, made of nothing: the least that any driver takes which gives core's records.
import { Integer, Record } from 'neo4j-driver-core'

const ROWS_A_BATCH = 1_000
const NAME = 12

// As core's constructors would set them, without what those check.
function RecordOf(keys, fields, lookup) {
  this.keys = keys
  this.length = fields.length
  this._fields = fields
  this._fieldLookup = lookup
}
RecordOf.prototype = Record.prototype

function IntegerOf(low, high) {
  this.low = low
  this.high = high
}
IntegerOf.prototype = Integer.prototype

const KEYS = ['id', 'name', 'score']
const LOOKUP = { id: 0, name: 1, score: 2 }
const NAMES = Array.from({ length: ROWS_A_BATCH }, (_, i) => `name-${1_000_000 + i}`).join('')

/** So many records, in one array, from parts as they come. */
export function makeRecords(size) {
  const parts = []
  for (let made = 0; made < size; made += ROWS_A_BATCH) {
    const part = []
    for (let i = 0; i < ROWS_A_BATCH; i++) {
      const fields = [
        new IntegerOf(made + i, 0),
        NAMES.substring(i * NAME, (i + 1) * NAME),
        (made + i) * 0.37
      ]
      part.push(new RecordOf(KEYS, fields, LOOKUP))
    }
    parts.push(part)
  }
  const all = new Array(size)
  let at = 0
  for (const part of parts) for (const record of part) all[at++] = record
  return all
}
