import { Record as CoreRecord } from 'neo4j-driver-core'
import { BatchWords, ColumnKind } from '../format.js'
import { BoundedCache } from './cache.js'
import { canCompile, compile } from './codegen.js'
import { constructorOf } from './instances.js'
import { BIGINT, INTEGER, integerOf, integerOf32, make, make32, NUMBER, numberOf } from './integers.js'
import type { Batch } from './tape.js'

/** Reads all rows of a batch into records that need it no more. */
type Reader = (batch: Batch) => CoreRecord[]

// Rows of one signature read before a reader is compiled for it, and columns up to which one is.
const COMPILE_AFTER = 500
const COMPILE_COLUMNS = 24

class Signature {
  left = canCompile ? COMPILE_AFTER : Number.POSITIVE_INFINITY
  read: Reader = interpreted
}

const signatures = new BoundedCache<string, Signature>(512)

const RecordOf = constructorOf(
  CoreRecord,
  function (
    keys: readonly string[],
    length: number,
    fields: unknown[],
    lookup: Readonly<Record<string, number>>
  ) {
    this.keys = keys
    this.length = length
    this._fields = fields
    this._fieldLookup = lookup
  }
)

/** The records of a batch. */
export function recordsOf(batch: Batch): CoreRecord[] {
  const { columns } = batch
  if (columns > COMPILE_COLUMNS) return interpreted(batch)
  const id = identify(batch, columns)
  const signature = signatures.get(id) ?? signatures.set(id, new Signature())
  if (signature.left > 0) {
    signature.left -= batch.rows
    if (signature.left <= 0) signature.read = compiled(batch, columns)
  }
  return signature.read(batch)
}

/** Mode, kinds, and which columns have nulls: one character each. */
function identify(batch: Batch, columns: number): string {
  const { i32 } = batch
  let id = String.fromCharCode(48 + batch.mode)
  let h = batch.base + BatchWords.HEADER
  for (let c = 0; c < columns; c++, h += BatchWords.COLUMN)
    id += String.fromCharCode(48 + i32[h] + (i32[h + 2] === 0 ? 0 : 8))
  return id
}

function interpreted(batch: Batch): CoreRecord[] {
  const { i32, base, rows, keys, columns, lookup } = batch
  const records = new Array<CoreRecord>(rows)
  for (let row = 0; row < rows; row++) {
    const fields = new Array(columns)
    let h = base + BatchWords.HEADER
    for (let c = 0; c < columns; c++, h += BatchWords.COLUMN) fields[c] = field(batch, i32, h, c, row)
    records[row] = new RecordOf(keys, columns, fields, lookup)
  }
  return records
}

function field(batch: Batch, i32: Int32Array, h: number, column: number, row: number): unknown {
  const nulls = i32[h + 2]
  if (nulls !== 0 && ((i32[batch.base + nulls + (row >> 5)] >>> (row & 31)) & 1) !== 0) return null
  const kind = i32[h]
  const at = i32[h + 1] + (kind === ColumnKind.FLOAT ? batch.floats : batch.base)
  switch (kind) {
    case ColumnKind.INT:
      return make(batch.mode, i32[at + 2 * row], i32[at + 2 * row + 1])
    case ColumnKind.FLOAT:
      return batch.f64[at + row]
    case ColumnKind.STR:
      return batch.text(i32[at + 2 * row], i32[at + 2 * row + 1])
    case ColumnKind.INT32:
      return make32(batch.mode, i32[at + row])
    case ColumnKind.BOOL:
      return ((i32[at + (row >> 5)] >>> (row & 31)) & 1) !== 0
    case ColumnKind.NULL:
      return null
    default:
      batch.column = column
      batch.p = batch.base + i32[at + row]
      return batch.value()
  }
}

/** The same as {@link interpreted}, as one loop of straight-line code. */
function compiled(batch: Batch, columns: number): Reader {
  const { i32, base, mode } = batch
  let before = ''
  let body = ''
  const fields: string[] = []
  for (let c = 0; c < columns; c++) {
    const h = BatchWords.HEADER + BatchWords.COLUMN * c
    const kind = i32[base + h]
    const nullable = i32[base + h + 2] !== 0
    before += `const a${c}=i32[base+${h + 1}]+${kind === ColumnKind.FLOAT ? 'batch.floats' : 'base'};`
    if (nullable) before += `const n${c}=base+i32[base+${h + 2}];`
    const value = expression(kind, c, mode)
    body += nullable
      ? `const v${c}=(i32[n${c}+(r>>5)]>>>(r&31)&1)!==0?null:${value};`
      : `const v${c}=${value};`
    fields.push(`v${c}`)
  }
  return compile<Reader>(
    { RecordOf, integerOf, integerOf32, numberOf, make, make32, mixed },
    `return batch=>{const{i32,f64,base,rows,keys,lookup}=batch;${before}const records=new Array(rows);` +
      `for(let r=0;r<rows;r++){${body}records[r]=new RecordOf(keys,${columns},[${fields}],lookup)}return records}`
  )
}

function expression(kind: number, c: number, mode: number): string {
  const at = `a${c}`
  const pair = `i32[${at}+2*r],i32[${at}+2*r+1]`
  switch (kind) {
    case ColumnKind.INT:
      return mode === INTEGER
        ? `integerOf(${pair})`
        : mode === NUMBER
          ? `numberOf(${pair})`
          : `make(${BIGINT},${pair})`
    case ColumnKind.FLOAT:
      return `f64[${at}+r]`
    case ColumnKind.STR:
      return `batch.text(${pair})`
    case ColumnKind.INT32:
      return mode === INTEGER ? `integerOf32(i32[${at}+r])` : `make32(${mode},i32[${at}+r])`
    case ColumnKind.BOOL:
      return `(i32[${at}+(r>>5)]>>>(r&31)&1)!==0`
    case ColumnKind.NULL:
      return 'null'
    case ColumnKind.MIXED:
      return `mixed(batch,${c},base+i32[${at}+r])`
    default:
      throw new Error(`column kind ${kind}`)
  }
}

function mixed(batch: Batch, column: number, at: number): unknown {
  batch.column = column
  batch.p = at
  return batch.value()
}
